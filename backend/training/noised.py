"""A batch for a noise-predicting UNet: what it sees, when, and the noise it should find."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from jaxtyping import Float, Int
from torch import Tensor

SHAPED = (150, 800)  # the timesteps at which words change the prediction most
SHAPED_SHARE = 0.6  # of a batch; the rest is uniform over all


@dataclass(frozen=True)
class Noised:
    """What a UNet sees, when, and the noise it should find."""

    given: Float[Tensor, "B C h w"]
    timestep: Int[Tensor, " B"]
    noise: Float[Tensor, "B 4 h w"]

    @classmethod
    def of(cls, scheduler: DDIMScheduler, latents: Tensor, original: Tensor | None = None) -> Noised:
        """Latents at random timesteps; where an original is given, its channels follow theirs."""
        noise = torch.randn_like(latents)
        timestep = draw_timesteps(len(latents))
        noisy = scheduler.add_noise(latents, noise, timestep)  # pyright: ignore[reportArgumentType]
        return cls(noisy if original is None else torch.cat([noisy, original], dim=1), timestep, noise)

    def __len__(self) -> int:
        return len(self.noise)

    def shares(self, count: int) -> list[Noised]:
        """The batch cut into at most `count` parts."""
        cut = (self.given.chunk(count), self.timestep.chunk(count), self.noise.chunk(count))
        return [Noised(*part) for part in zip(*cut, strict=True)]

    def backward(self, unet: UNet2DConditionModel, text: Float[Tensor, "B L D"]) -> tuple[float]:
        """The mean squared error, after its gradients have gone into the UNet, in the UNet's precision."""
        place = {"device": unet.device, "dtype": unet.dtype}
        found = unet(self.given.to(**place), self.timestep.to(unet.device), text.to(**place)).sample
        loss = (found.float() - self.noise.to(unet.device)).square().mean()
        loss.backward()
        return (loss.item(),)


def draw_timesteps(count: int) -> Int[Tensor, " B"]:
    """Most between the two SHAPED, the others anywhere: above, only composition is decided, below, only grain."""
    low, high = SHAPED
    shaped = torch.randint(low, high, (count,))
    return torch.where(torch.rand(count) < SHAPED_SHARE, shaped, torch.randint(0, 1000, (count,)))
