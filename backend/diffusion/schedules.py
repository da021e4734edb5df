"""Which timestep at which step: functions of one signature, by name in SCHEDULES.

A batch's pictures lie up to `jitter` timesteps off their step's level, so that no level is skipped; 0 is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import torch
from jaxtyping import Int
from torch import Tensor

FIRST, LAST = 980, 20  # DreamFusion and FaceG2E keep 2 % away from both ends
JITTER = 40
# DreamTime's weight of a timestep: 1 between two means, falling off as a normal density beyond each (Huang et al.
# 2023). The numbers are those of FaceG2E's dreamtime.py.
UPPER, LOWER = 800, 500
UPPER_SPREAD, LOWER_SPREAD = 300, 500


def linear(
    step: int,
    steps: int,
    batch: int,
    generator: torch.Generator,
    first: int = FIRST,
    last: int = LAST,
    jitter: int = JITTER,
) -> Int[Tensor, " B"]:
    """From `first` down to `last` in equal steps."""
    return _near(round(first + (last - first) * step / max(1, steps - 1)), batch, generator, first, last, jitter)


def square_root(
    step: int,
    steps: int,
    batch: int,
    generator: torch.Generator,
    first: int = FIRST,
    last: int = LAST,
    jitter: int = JITTER,
) -> Int[Tensor, " B"]:
    """Down with the root of time: half of the way in the first quarter (HiFA, Zhu et al. 2023)."""
    level = first + (last - first) * (step / max(1, steps - 1)) ** 0.5
    return _near(round(level), batch, generator, first, last, jitter)


def dreamtime(
    step: int,
    steps: int,
    batch: int,
    generator: torch.Generator,
    first: int = FIRST,
    last: int = LAST,
    jitter: int = JITTER,
) -> Int[Tensor, " B"]:
    """Down fast where timesteps weigh little and slowly where they weigh much (DreamTime)."""
    return _near(_by_weight(steps, first, last)[step], batch, generator, first, last, jitter)


def released(
    step: int,
    steps: int,
    batch: int,
    generator: torch.Generator,
    first: int = FIRST,
    last: int = LAST,
    jitter: int = 0,
) -> Int[Tensor, " B"]:
    """The line of FaceG2E's code, which ends one step short of `last` and rounds down (T_scheduler.py)."""
    return _near(int(first - (first - last) / steps * step), batch, generator, first, last, jitter)


def uniform(
    step: int,
    steps: int,
    batch: int,
    generator: torch.Generator,
    first: int = FIRST,
    last: int = LAST,
    jitter: int = JITTER,
) -> Int[Tensor, " B"]:
    """Anywhere between the ends at any step, both included (DreamFusion); its own jitter."""
    return torch.randint(last, first + 1, (batch,), generator=generator)


SCHEDULES: Mapping[str, Callable[..., Int[Tensor, " B"]]] = {
    "linear": linear,
    "square-root": square_root,
    "dreamtime": dreamtime,
    "released": released,
    "uniform": uniform,
}


def _near(level: int, batch: int, generator: torch.Generator, first: int, last: int, jitter: int) -> Int[Tensor, " B"]:
    offset = torch.randint(-jitter, jitter + 1, (batch,), generator=generator)
    return (offset + level).clamp(last, first)


@cache
def _by_weight(steps: int, first: int, last: int) -> tuple[int, ...]:
    """The level of each step: the weight from it up is closest to the share of steps that are then done."""
    levels = torch.arange(last, first + 1, dtype=torch.float64)
    above, below = (levels - UPPER).clamp(min=0), (LOWER - levels).clamp(min=0)
    weights = (-(above**2) / (2 * UPPER_SPREAD**2) - below**2 / (2 * LOWER_SPREAD**2)).exp()
    tail = weights.flip(0).cumsum(0).flip(0) / weights.sum()
    done = torch.arange(1, steps + 1, dtype=torch.float64) / steps
    return tuple(((tail - done[:, None]).abs().argmin(1) + last).tolist())
