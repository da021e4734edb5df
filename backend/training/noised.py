"""A batch for a noise-predicting UNet: noisy pictures with their own words and with others, and what is to be found."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .attending import Watched, attending

SHAPED = (150, 800)  # the timesteps at which words change the prediction most
SHAPED_SHARE = 0.6  # of a batch; the rest is uniform over all
TOLD_WEIGHT = 0.5  # of what is missed of the changes told, beside the squared error
TYPICAL_PULL = 0.15  # root mean square of a change of shape, of unit noise
LEAST_PULL = 0.01  # the same; smaller changes are out of sight
ATTENTION_WEIGHT = 0.1  # of how far attention to the named part is from it


@dataclass(frozen=True)
class Noised:
    """What a UNet sees, when, and what it should find: each noisy picture twice, with its own words and with others.

    With its own words a picture holds the noise it was given. With those of a changed picture, what the two pictures
    differ by is noise as well: that is where the words pull. What the second answer has over the first is compared
    with it. The noise itself is not in that comparison, so it is felt where small features change (eyes, lips), which
    the squared error hardly is, and it says as plainly what a word must leave alone.

    Attributes:
        given: a picture, the same, the next one, the same ...
        noise: what each was given.
        pull: of each picture, how much more noise there is by the other words, in its unit.
        told: of each picture, whether the words tell the change.
        lacking: of each picture, which share of the pull was missed; `backward` fills it in, through shares too.
        watched: where words lie that it is to look for.
    """

    given: Float[Tensor, "B C h w"]
    timestep: Int[Tensor, " B"]
    noise: Float[Tensor, "B 4 h w"]
    pull: Float[Tensor, "B/2 4 h w"]
    told: Bool[Tensor, " B/2"]
    lacking: Float[Tensor, " B/2"]
    watched: Watched | None = None

    @classmethod
    def of(
        cls,
        scheduler: DDIMScheduler,
        shown: Float[Tensor, "P 4 h w"],
        other: Float[Tensor, "P 4 h w"],
        told: Bool[Tensor, " P"],
        original: Float[Tensor, "P 4 h w"] | None = None,
        watched: Watched | None = None,
    ) -> Noised:
        """Pictures at random timesteps, and the changed ones; the channels of originals follow theirs."""
        noise, timestep = torch.randn_like(shown), draw_timesteps(len(shown))
        level = scheduler.alphas_cumprod[timestep]
        noisy = scheduler.add_noise(shown, noise, timestep)  # pyright: ignore[reportArgumentType]
        pull = (shown - other) * (level / (1 - level)).sqrt().view(-1, 1, 1, 1)
        given = noisy if original is None else torch.cat([noisy, original], dim=1)
        given, timestep, noise = (each.repeat_interleave(2, dim=0) for each in (given, timestep, noise))
        return cls(given, timestep, noise, pull, told, torch.zeros(len(shown)), watched)

    def __len__(self) -> int:
        return len(self.noise)

    def shares(self, count: int) -> list[Noised]:
        """The batch cut between pictures into at most `count` parts."""
        size = -(-len(self.told) // count)
        twice = (each.split(2 * size) for each in (self.given, self.timestep, self.noise))
        once = (each.split(size) for each in (self.pull, self.told, self.lacking))
        parts = [Noised(*part) for part in zip(*twice, *once, strict=True)]
        if self.watched is None:
            return parts
        return [replace(part, watched=seen) for part, seen in zip(parts, self.watched.shares(2 * size), strict=True)]

    def backward(self, network: UNet2DConditionModel, text: Float[Tensor, "B L D"]) -> tuple[float, float]:
        """After the gradients of both have gone into the UNet, in its precision: the mean squared error with a
        picture's own words, and the mean of what is missed of the pull of others. Where words are watched, attention
        has a loss besides.
        """
        place = {"device": network.device, "dtype": network.dtype}
        with attending(network, self.watched.places.shape[-1]) if self.watched else nullcontext([]) as maps:
            found = network(self.given.to(**place), self.timestep.to(network.device), text.to(**place)).sample
        found = found.float().cpu()
        error = (found[0::2] - self.noise[0::2]).square().mean()
        missed = self.missed(found)
        elsewhere = self.watched.loss(maps) if self.watched else 0.0
        (error + TOLD_WEIGHT * missed + ATTENTION_WEIGHT * elsewhere).backward()
        return error.item(), missed.item()

    def missed(self, found: Float[Tensor, "B 4 h w"]) -> Float[Tensor, ""]:
        """Mean over the changes told: squared error of what other words add, over the square of what they should.

        Over the square, so that small changes (of the lips) count at all; of changes beyond the typical (of the skin)
        only over their size, for they take longer to learn and would else be forgotten.
        """
        error = (found[1::2] - found[0::2] - self.pull).square().mean((1, 2, 3))
        size = (self.pull.square().mean((1, 2, 3)) + LEAST_PULL**2).sqrt()
        shares = error / size.square()
        self.lacking.copy_(shares.detach())
        return (shares * (size / TYPICAL_PULL).clamp(min=1) * self.told).sum() / self.told.sum().clamp(min=1)


def draw_timesteps(count: int) -> Int[Tensor, " B"]:
    """Most between the two SHAPED, the others anywhere: above, only composition is decided, below, only grain."""
    low, high = SHAPED
    shaped = torch.randint(low, high, (count,))
    return torch.where(torch.rand(count) < SHAPED_SHARE, shaped, torch.randint(0, 1000, (count,)))
