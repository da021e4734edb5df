"""Random persons: a few clear features each, the rest near the middle, so that a caption can say most of what shows."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from .looks import HAIR, Look
from .shapes import SHAPES
from .things import SHAVED, THINGS

SALIENT = (2, 8)  # axes of a person that show clearly, gender not counted
CLEAR, SLIGHT = 0.35, 0.25  # |value| of those at least; of the others at most
GENDERED = 0.8  # share of persons who are clearly a man or a woman
MEN, WOMEN = (
    {"beard": 0.35, "moustache": 0.3, "stubble": 0.3, "shadow": 0.12, "lips": 0.3},
    {
        "beard": 0.05,
        "moustache": 0.05,
        "stubble": 0.03,
        "shadow": 0.32,
        "lips": 0.5,
    },
)


@dataclass(frozen=True)
class Person:
    """A point of the language: an axis value each (-1..1) and a look."""

    shape: dict[str, float] = field(default_factory=dict)
    look: Look = field(default_factory=Look)


def draw_person(rng: random.Random) -> Person:
    """A random person. Beards are mostly men's, grey hair and wrinkles mostly old people's, but all can go together."""
    shape = {axis.name: rng.uniform(-SLIGHT, SLIGHT) for axis in SHAPES}
    names = [name for name in shape if name != "gender"]
    for name in rng.sample(names, rng.randint(*SALIENT)):
        shape[name] = clear_value(rng)
    if rng.random() < GENDERED:
        shape["gender"] = clear_value(rng)
    return Person(shape, draw_look(rng, shape["gender"], shape["age"]))


def clear_value(rng: random.Random) -> float:
    """Either way, towards the end rather than the middle."""
    return rng.choice((-1, 1)) * (CLEAR + (1 - CLEAR) * rng.random() ** 0.8)


def draw_look(rng: random.Random, gender: float, age: float) -> Look:
    """A look for someone of these values of the two axes."""
    chances = MEN if gender > CLEAR else WOMEN if gender < -CLEAR else {}
    drawn: dict[str, str | bool] = {}
    for thing in THINGS:
        if thing.name == "wrinkles" or rng.random() > chances.get(thing.name, thing.chance):
            continue
        drawn[thing.name] = rng.choice(list(thing.colours)) if thing.colours else True
        if thing.colours is HAIR and age > CLEAR and rng.random() < 0.6:
            drawn[thing.name] = rng.choice(("grey", "white"))
    if "hair" not in drawn and rng.random() < 0.12:
        drawn["hair"] = SHAVED
    wrinkled = rng.random() < 0.12 + 0.6 * max(age, 0)
    depth = min(1.0, rng.uniform(0.35, 0.8) + 0.3 * max(age, 0)) if wrinkled else rng.uniform(0, 0.15)
    return Look(**drawn, wrinkles=depth, tone=rng.random(), seed=rng.randrange(2**31))  # pyright: ignore[reportArgumentType]
