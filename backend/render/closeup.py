"""Close-ups of what an edit names: of a small region, the whole head's pictures show the networks a latent or two."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from .camera import HALF_HEIGHT, Cameras

SMALL = 0.25  # of the picture of a whole head: what fills more is seen well enough
AIR = 1.4  # times the region's own half height that a close-up shows
NEAREST = 0.5  # head units from the middle of a close-up to its edge, at least


@dataclass(frozen=True)
class Closeup:
    """What some of the views look at in place of the whole head.

    Attributes:
        aim: the middle of the region.
        half_height: head units from there to the picture's edge.
    """

    aim: Float[Tensor, " 3"]
    half_height: float

    @classmethod
    def of(cls, vertices: Float[Tensor, "V 3"], inside: Float[Tensor, " V"] | None) -> Closeup | None:
        """Of the region that vertices are `inside` of, 0..1; None where that is none, or is not small."""
        named = vertices[inside > 0.5] if inside is not None else vertices[:0]
        if not len(named):
            return None
        low, high = named.amin(0), named.amax(0)
        reach = float((high - low)[:2].max() / 2)
        if (reach / HALF_HEIGHT) ** 2 >= SMALL:
            return None
        return cls((low + high) / 2, max(AIR * reach, NEAREST))

    def taken(self, cameras: Cameras, generator: torch.Generator) -> Cameras:
        """The cameras, half of them (of an odd number, one more or less by chance) with a longer lens on the region."""
        count = len(cameras)
        close = (torch.arange(count) + torch.randint(2, (), generator=generator)) % 2 == 0
        aim = torch.as_tensor(cameras.aim).expand(count, 3)
        half_height = torch.as_tensor(cameras.half_height).expand(count)
        return replace(
            cameras,
            aim=torch.where(close[:, None], self.aim, aim),
            half_height=torch.where(close, torch.tensor(self.half_height), half_height),
        )
