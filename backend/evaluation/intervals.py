"""Numbers with their number of items and a 95 % interval: shares by Wilson, means and medians by the bootstrap."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Numbers = Sequence[float | int]
Z = 1.959964  # of the normal distribution, 95 % on both sides
DRAWS, SEED = 2000, 7


@dataclass(frozen=True)
class Estimate:
    """A value over some items and the interval it lies in; None where there is none, and then `why`."""

    value: float | None
    low: float | None = None
    high: float | None = None
    items: int = 0
    why: str = ""

    def document(self) -> dict[str, Any]:
        known = {"value": self.value, "low": self.low, "high": self.high, "items": self.items}
        return known | ({"why": self.why} if self.why else {})

    def words(self, digits: int = 2) -> str:
        """Such as "0.90 [0.77, 0.96] of 40"."""
        if self.value is None:
            return f"– ({self.why})" if self.why else "–"
        told = f"{self.value:.{digits}f}"
        if self.low is not None and self.high is not None:
            told += f" [{self.low:.{digits}f}, {self.high:.{digits}f}]"
        return f"{told} of {self.items}"


def nothing(why: str) -> Estimate:
    return Estimate(None, why=why)


def share(right: Sequence[bool], why: str = "no item tests it") -> Estimate:
    """How many are right, of all; Wilson's interval."""
    count = len(right)
    if not count:
        return nothing(why)
    p = sum(right) / count
    middle = (p + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z * math.sqrt(p * (1 - p) / count + Z * Z / (4 * count * count)) / (1 + Z * Z / count)
    return _rounded(p, max(0.0, middle - half), min(1.0, middle + half), count)


def mean(values: Numbers, why: str = "no item tests it") -> Estimate:
    return _bootstrapped(values, lambda drawn: drawn.mean(axis=-1), why)


def median(values: Numbers, why: str = "no item tests it") -> Estimate:
    return _bootstrapped(values, lambda drawn: np.median(drawn, axis=-1), why)


def extreme(values: Numbers, which: Callable[[Numbers], float], why: str = "no item tests it") -> Estimate:
    """The greatest or least (`max`, `min`) or the sum: what was seen, without an interval."""
    return _rounded(float(which(values)), None, None, len(values)) if values else nothing(why)


def _bootstrapped(values: Numbers, statistic: Callable[[np.ndarray], Any], why: str) -> Estimate:
    """The percentile bootstrap, always with the same draws; one item alone has no interval."""
    if not values:
        return nothing(why)
    numbers = np.asarray(values, float)
    if len(numbers) == 1:
        return _rounded(float(numbers[0]), None, None, 1)
    picks = np.random.default_rng(SEED).integers(0, len(numbers), (DRAWS, len(numbers)))
    low, high = np.quantile(statistic(numbers[picks]), [0.025, 0.975])
    return _rounded(float(statistic(numbers)), float(low), float(high), len(numbers))


def _rounded(value: float, low: float | None, high: float | None, items: int) -> Estimate:
    digits = 4 if abs(value) < 100 else 1
    return Estimate(
        round(value, digits),
        None if low is None else round(low, digits),
        None if high is None else round(high, digits),
        items,
    )
