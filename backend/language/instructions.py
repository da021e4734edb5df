"""Instructions with the person before and after: one axis moves, or one thing of the look changes."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from .captions import axis_label, shape_labels, varied, with_degree
from .persons import Person
from .shapes import DEGREES, SHAPES, Shape, with_article
from .things import SHAVED, THINGS, Thing, Value, thing_label

PRONOUNS = (("his", "him"), ("her", "her"), ("their", "them"))
MOVES = {"slightly": (0.3, 0.5), "": (0.6, 1.1), "very": (1.1, 1.7)}  # how far a comparative goes: "a bit longer"
DEGREE_CHANCES = {"": 6, "slightly": 2, "very": 2}


@dataclass(frozen=True)
class Change:
    """An instruction, the person before and after it; `scope` is what shows it: "geometry" or "texture".

    `said` are its labels, those of `described`; "mask=None" where something is to go.
    """

    instruction: str
    before: Person
    after: Person
    scope: str
    said: frozenset[str]


def asked(change: Change) -> set[str]:
    """What an instruction says, in the labels of `described`."""
    return set(change.said)


def draw_shape_change(person: Person, rng: random.Random) -> Change:
    """An instruction that moves one axis, as far as its degree says, in one of several phrasings."""
    axis = rng.choice(SHAPES)
    sign = rng.choice((-1.0, 1.0))
    degree = rng.choices(list(DEGREE_CHANCES), list(DEGREE_CHANCES.values()))[0]
    relative = axis.name != "gender" and rng.random() < 0.5
    if axis.name == "gender":
        degree = ""
    if relative:
        move = rng.uniform(*MOVES[degree])
        start = rng.uniform(-0.9, min(0.6, 1 - move))
        target = start + move
    else:
        target = rng.uniform(*DEGREES[degree])
        start = target - rng.uniform(0.5, 1.2)
    phrase = (_relative if relative else _absolute)(axis, sign, degree, rng)
    start, target = max(start, -1.0) * sign, target * sign
    before = replace(person, shape=person.shape | {axis.name: start})
    after = replace(before, shape=before.shape | {axis.name: target})
    return Change(phrase, before, after, "geometry", shape_labels(axis.name, sign, degree))


def _absolute(axis: Shape, sign: float, degree: str, rng: random.Random) -> str:
    """ "make his nose very long" """
    his, him = rng.choice(PRONOUNS)
    end = axis.end(sign)
    adjective = varied(end.gradable() if degree else end.adjectives(), rng)
    graded = with_degree(adjective, degree)
    if axis.name == "gender":
        return rng.choice((f"make {him} a {adjective}", f"turn {him} into a {adjective}"))
    after_verb = graded.replace("slightly", "a bit") if rng.random() < 0.4 else graded
    if not axis.noun:
        return rng.choice((f"make {him} {after_verb}", f"turn {him} {after_verb}", f"make {him} look {after_verb}"))
    phrase = with_article(graded, axis.noun)
    return rng.choice(
        (
            f"make {his} {axis.noun} {after_verb}",
            f"make the {axis.noun} {after_verb}",
            f"give {him} {phrase}",
            f"give {him} {phrase}",
        )
    )


def _relative(axis: Shape, sign: float, degree: str, rng: random.Random) -> str:
    """ "make his nose a bit longer" """
    his, him = rng.choice(PRONOUNS)
    word = varied(axis.end(sign).comparatives(), rng)
    how = {"": "", "slightly": rng.choice(("slightly ", "a bit ")), "very": "much "}[degree]
    if not axis.noun:
        return rng.choice((f"make {him} {how}{word}", f"make {him} look {how}{word}"))
    phrase = f"{how}{word} {axis.noun}" if how == "a bit " else with_article(f"{how}{word}", axis.noun)
    return rng.choice(
        (
            f"make {his} {axis.noun} {how}{word}",
            f"make the {axis.noun} {how}{word}",
            f"give {him} {phrase}",
            phrase,
        )
    )


def draw_colour_change(person: Person, rng: random.Random) -> Change:
    """An instruction that paints, adds or removes one thing; what it asks for is not there before."""
    thing = rng.choice(THINGS)
    look, name = person.look, thing.name
    his, him = rng.choice(PRONOUNS)
    if thing.goes and rng.random() < 0.35:
        if not getattr(look, name):
            look = replace(look, **{name: _some(thing, rng)})
        value = _none(thing)
        phrases, said = _removals(thing, his, him), thing_label(name, None)
        if name == "hair" and rng.random() < 0.4:
            value, said = SHAVED, thing_label(name, SHAVED)
            look = replace(look, hair=_some(thing, rng))
            phrases = (f"shave {his} head", f"give {him} a shaved head")
    else:
        value = _some(thing, rng)
        while thing.colours and value == getattr(look, name):
            value = _some(thing, rng)
        if not thing.colours:
            look = replace(look, **{name: _none(thing)})
        phrases, said = _additions(thing, value, his, him), thing_label(name, value)
        if thing.plain and thing.colours and rng.random() < 0.15:
            look = replace(look, **{name: None})
            phrases, said = _additions(thing, True, his, him), thing_label(name, "any")
    before = replace(person, look=look)
    after = replace(person, look=replace(look, **{name: value}))
    return Change(rng.choice(phrases), before, after, "texture", frozenset({said}))


def _none(thing: Thing) -> Value:
    """Of a look's field where the thing is absent."""
    return None if thing.colours else 0.0 if thing.name == "wrinkles" else False


def _some(thing: Thing, rng: random.Random) -> Value:
    """Any value that shows."""
    if thing.name == "wrinkles":
        return rng.uniform(0.6, 1.0)
    return rng.choice(list(thing.colours)) if thing.colours else True


def _removals(thing: Thing, his: str, him: str) -> tuple[str, ...]:
    phrases = (f"remove the {thing.noun}", f"remove {his} {thing.noun}", f"take the {thing.noun} off")
    return (*phrases, f"make {him} bald") if thing.name == "hair" else phrases


def _additions(thing: Thing, value: Value, his: str, him: str) -> tuple[str, ...]:
    if not isinstance(value, str):
        return tuple(f"{start} {phrase}" for phrase in thing.plain for start in (f"give {him}", "add"))
    phrases = [f"give {him} {phrase.format(value)}" for phrase in thing.named]
    if thing.name in ("skin", "lips", "eyes", "brows", "hair", "beard", "moustache"):
        phrases += [f"make {his} {thing.noun} {value}", f"make the {thing.noun} {value}"]
    if thing.name in ("skin", "hair"):
        phrases.append(f"turn {his} {thing.noun} {value}")
    if thing.name in ("lips", "brows"):
        phrases.append(f"paint {his} {thing.noun} {value}")
    if thing.goes:
        phrases += [f"add {phrase.format(value)}" for phrase in thing.named]
    if thing.name == "stripes":
        phrases.append(f"paint {value} stripes on {his} cheeks")
    if thing.name == "mask":
        phrases.append(f"paint a {value} eye mask")
    return tuple(phrases)


def labels() -> tuple[str, ...]:
    """Every label a caption or an instruction can have, sorted."""
    found = {"wrinkles=deep"}
    for axis in SHAPES:
        for sign in (1.0, -1.0):
            degrees = [""] if axis.name == "gender" else list(DEGREES)
            found |= {axis_label(axis.name, sign) + degree for degree in degrees}
    for thing in THINGS:
        found |= {thing_label(thing.name, colour) for colour in thing.colours or [True]}
        found |= {thing_label(thing.name, None)} if thing.goes else set()
        found |= {thing_label(thing.name, "any")} if thing.plain and thing.colours else set()
    return tuple(sorted(found | {thing_label("hair", SHAVED)}))
