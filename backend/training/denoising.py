"""A batch for a network that finds noise in latents and nothing besides: texture priors and ControlNets learn so."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..diffusion.model import Diffusion


@dataclass(frozen=True)
class Denoising:
    """What a network sees, when, and what it should answer.

    Attributes:
        shown: pictures that a ControlNet looks at, 0..1.
    """

    given: Float[Tensor, "B 4 h w"]
    timestep: Int[Tensor, " B"]
    answer: Float[Tensor, "B 4 h w"]
    shown: Float[Tensor, "B 3 H W"] | None = None

    @classmethod
    def of(
        cls,
        model: Diffusion,
        latents: Float[Tensor, "B 4 h w"],
        shown: Tensor | None = None,
        often: tuple[int, int] | None = None,
    ) -> Denoising:
        """Latents at timesteps drawn evenly; the answer is the noise, or the velocity where that is predicted.

        Args:
            often: half of the timesteps lie between these two; none: all are drawn evenly.
        """
        noise = torch.randn_like(latents)
        timestep = torch.randint(0, len(model.alphas_cumprod), (len(latents),))
        if often:
            timestep = torch.where(torch.rand(len(latents)) < 0.5, torch.randint(*often, timestep.shape), timestep)
        answer = noise
        if model.prediction_type == "v_prediction":
            alpha = model.alpha(timestep)
            answer = alpha.sqrt() * noise - (1 - alpha).sqrt() * latents
        return cls(model.add_noise(latents, noise, timestep), timestep, answer, shown)

    def __len__(self) -> int:
        return len(self.answer)

    def shares(self, count: int) -> list[Denoising]:
        """The batch cut into at most `count` parts."""
        size = -(-len(self) // count)
        shown = self.shown.split(size) if self.shown is not None else [None] * count
        cut = zip(self.given.split(size), self.timestep.split(size), self.answer.split(size), shown, strict=False)
        return [Denoising(*part) for part in cut]

    def backward(self, network: torch.nn.Module, text: Float[Tensor, "B L D"]) -> tuple[float]:
        """The mean squared error, after its gradients have gone into the network, in the network's precision."""
        weights = next(network.parameters())
        place = {"device": weights.device, "dtype": weights.dtype}
        shown = {} if self.shown is None else {"shown": self.shown.to(**place)}
        found = network(self.given.to(**place), self.timestep.to(weights.device), text.to(**place), **shown)
        error = (found.sample.float() - self.answer.to(weights.device)).square().mean()
        error.backward()
        return (error.item(),)
