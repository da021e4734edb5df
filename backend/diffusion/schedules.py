"""Which timestep at which step."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

FIRST, LAST = 980, 20  # DreamFusion and FaceG2E keep 2 % away from both ends


def linear(
    step: int,
    steps: int,
    batch: int,
    generator: torch.Generator,
    first: int = FIRST,
    last: int = LAST,
    jitter: int = 40,
) -> Int[Tensor, " B"]:
    """From `first` down to `last`, each picture of the batch a few timesteps off, so that no level is skipped."""
    middle = first + (last - first) * step / max(1, steps - 1)
    offset = torch.randint(-jitter, jitter + 1, (batch,), generator=generator)
    return (offset + round(middle)).clamp(last, first)
