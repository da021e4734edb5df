"""What is behind the head, so that no network learns one grey: pictures for `Scene`'s background."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

BLACK, GREY = 0.0, 0.5


def random_colours(count: int, generator: torch.Generator) -> Float[Tensor, "B 3 1 1"]:
    """A colour a picture, evenly from RGB."""
    return torch.rand(count, 3, 1, 1, generator=generator)


def blended_colours(count: int, size: int, generator: torch.Generator) -> Float[Tensor, "B 3 size size"]:
    """Two random colours a picture that pass into each other along a random direction."""
    first, second = random_colours(count, generator), random_colours(count, generator)
    angle = 2 * torch.pi * torch.rand(count, 1, 1, generator=generator)
    across = torch.linspace(-1, 1, size)
    ramp = 0.5 + 0.5 * (angle.cos() * across + angle.sin() * across[:, None]) / 2**0.5
    return first + (second - first) * ramp[:, None]
