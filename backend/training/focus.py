"""Which pairs the editing UNet is shown: each kind of change as often as it still misses it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ..language import SHAPES, THINGS, Person

SHAPED, LOOKED = tuple(axis.name for axis in SHAPES), tuple(thing.name for thing in THINGS)  # kinds of change
SHARPNESS = 2.0  # a kind is chosen by this power of what is missed of it
LEAST = 0.2  # share missed that a kind counts with at least: what is known must not be forgotten
MEMORY = 0.98  # of the running mean of what is missed, a pair


class Focus:
    """Chooses pairs; hears how much was missed of each."""

    def __init__(self, persons: Sequence[tuple[Person, Person]]):
        self.kinds = [kind_of(*two) for two in persons]
        self._numbers: dict[str, list[int]] = {}
        for number, kind in enumerate(self.kinds):
            self._numbers.setdefault(kind, []).append(number)
        self.missed = dict.fromkeys(self._numbers, 1.0)

    def choose(self, rng: random.Random, among: Sequence[str]) -> int:
        """A pair of one of the kinds `among`."""
        there = [kind for kind in among if kind in self.missed]
        weights = [min(max(self.missed[kind], LEAST), 1.0) ** SHARPNESS for kind in there]
        return rng.choice(self._numbers[rng.choices(there, weights)[0]])

    def note(self, chosen: Sequence[int], missed: Sequence[float], told: Sequence[bool]) -> None:
        """Takes in which share of each chosen pair's change the network missed, where it was told."""
        for number, share, was in zip(chosen, missed, told, strict=True):
            kind = self.kinds[number]
            self.missed[kind] += was * (1 - MEMORY) * (share - self.missed[kind])


def kind_of(before: Person, after: Person) -> str:
    """The axis or the thing that two persons differ in."""
    shapes = (name for name in SHAPED if before.shape.get(name) != after.shape.get(name))
    looks = (name for name in LOOKED if getattr(before.look, name) != getattr(after.look, name))
    return next(shapes, None) or next(looks)
