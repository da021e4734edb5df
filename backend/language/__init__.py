"""The face language: the words the starter networks are taught, what each is bound to, and how captions are made.

Shape words are bound to sliders of the head, colour words to a region and a colour. The stages never read this file:
words reach a face through the networks alone. It is used to make training pictures, to measure, and to help the user.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from .looks import HAIR, NATURAL_SKIN as NATURAL_SKIN, PAINT, SKIN, Colour, Look


@dataclass(frozen=True)
class Shape:
    """One axis of shape: -1 is `less`, +1 is `more`.

    Attributes:
        noun: what the adjectives describe; "" where the word describes the whole person ("old").
        sliders: (slider, value at -1, value at +1).
        region: where the axis shows, a region name of the head.
    """

    name: str
    more: str
    less: str
    noun: str
    sliders: tuple[tuple[str, float, float], ...]
    region: str
    comparatives: tuple[str, str] = ("", "")

    def phrase(self, value: float) -> str:
        """Words for a value: "a long nose", "full lips", "old"."""
        adjective = self.more if value > 0 else self.less
        return with_article(adjective, self.noun) if self.noun else adjective


SHAPES = (
    Shape(
        "nose_length", "long", "short", "nose", (("nose-scale-vert-incr", -1.0, 1.0),), "nose", ("longer", "shorter")
    ),
    Shape(
        "nose_width", "wide", "narrow", "nose", (("nose-scale-horiz-incr", -1.0, 1.0),), "nose", ("wider", "narrower")
    ),
    Shape(
        "nose_bridge",
        "hooked",
        "snub",
        "nose",
        (("nose-hump-incr", -0.6, 1.0), ("nose-curve-convex", -0.8, 0.8), ("nose-point-up", 0.8, -0.8)),
        "nose",
    ),
    Shape(
        "chin_width",
        "wide",
        "narrow",
        "chin",
        (("chin-width-incr", -1.0, 1.0), ("chin-bones-incr", -1.0, 1.0)),
        "chin",
        ("wider", "narrower"),
    ),
    Shape(
        "lip_volume",
        "full",
        "thin",
        "lips",
        (
            ("mouth-upperlip-volume-incr", -1.0, 1.0),
            ("mouth-lowerlip-volume-incr", -1.0, 1.0),
            ("mouth-upperlip-height-incr", -0.6, 0.6),
            ("mouth-lowerlip-height-incr", -0.6, 0.6),
        ),
        "lips",
        ("fuller", "thinner"),
    ),
    Shape("eye_size", "big", "small", "eyes", (("eye-scale-incr", -1.0, 1.0),), "eyes", ("bigger", "smaller")),
    Shape("ear_size", "big", "small", "ears", (("ear-scale-incr", -1.0, 1.0),), "ears", ("bigger", "smaller")),
    Shape("age", "old", "young", "", (("age", 0.62, 1.0), ("head-age-incr", -1.0, 1.0)), "face", ("older", "younger")),
    Shape("gender", "man", "woman", "", (("gender", 1.0, 0.0),), "face"),
    Shape(
        "weight",
        "fat",
        "thin",
        "",
        (("head-fat-incr", -1.0, 1.0), ("cheek-volume-incr", -1.0, 1.0), ("weight", 0.1, 0.95)),
        "face",
        ("fatter", "thinner"),
    ),
)
PRONOUNS = (("his", "him"), ("her", "her"), ("their", "them"))


@dataclass(frozen=True)
class Person:
    """A point of the language: an axis value each (-1..1) and a look."""

    shape: dict[str, float] = field(default_factory=dict)
    look: Look = field(default_factory=Look)


@dataclass(frozen=True)
class Change:
    """An instruction, the person before and after it; `scope` is what shows it: "geometry" or "texture"."""

    instruction: str
    before: Person
    after: Person
    scope: str


def with_article(adjective: str, noun: str) -> str:
    """ "a long nose", "an old man"; plural nouns take none."""
    if noun in ("lips", "eyes", "ears", "skin"):
        return f"{adjective} {noun}"
    return f"{'an' if adjective[0] in 'aeiou' else 'a'} {adjective} {noun}"


def draw_person(rng: random.Random) -> Person:
    """A random person: axes uniform, colours named about every third time each."""
    shape = {axis.name: rng.uniform(-1, 1) for axis in SHAPES}

    def maybe(table: dict[str, Colour], chance: float) -> str | None:
        return rng.choice(list(table)) if rng.random() < chance else None

    look = Look(
        skin=maybe(SKIN, 0.5),
        lips=maybe(PAINT, 0.45),
        mask=maybe(PAINT, 0.3),
        beard=maybe(HAIR, 0.3),
        tone=rng.random(),
    )
    return Person(shape, replace(look, seed=rng.randrange(2**31)))


def caption(person: Person, rng: random.Random, style: str) -> str:
    """A description in `style` ("a photo of"), naming a random part of what is there."""
    return described(person, rng, style)[0]


def described(person: Person, rng: random.Random, style: str) -> tuple[str, set[str]]:
    """A caption, and what it says as labels: "nose_length+", "lips=red"."""
    whole, parts = [], []
    said: set[str] = set()
    noun, left_out = "person", rng.uniform(0, 0.9)
    for axis in SHAPES:
        value = person.shape.get(axis.name, 0.0)
        if abs(value) < 0.35 or rng.random() < left_out:
            continue
        said.add(axis_label(axis.name, value))
        if axis.name == "gender":
            noun = axis.phrase(value)
        elif axis.noun:
            parts.append(axis.phrase(value))
        else:
            whole.append(axis.phrase(value))
    look = person.look
    for thing, phrase in (("skin", "{} skin"), ("lips", "{} lips"), ("mask", "a {} eye mask"), ("beard", "a {} beard")):
        colour = getattr(look, thing)
        if colour is None or rng.random() > 0.7:
            continue
        if thing == "beard" and rng.random() < 0.3:
            parts.append("a beard")
            said.add("beard")
        else:
            parts.append(phrase.format(colour))
            said.add(f"{thing}={colour}")
    rng.shuffle(whole)
    rng.shuffle(parts)
    subject = with_article(whole[0], " ".join([*whole[1:], noun])) if whole else f"a {noun}"
    return " ".join([style, subject, *(["with", listed(parts, rng)] if parts else [])]), said


def axis_label(name: str, value: float) -> str:
    return f"{name}{'+' if value > 0 else '-'}"


def asked(change: Change) -> set[str]:
    """What an instruction says, in the labels of `described`; "mask=None" where something is to go."""
    said = {
        axis_label(name, value) for name, value in change.after.shape.items() if value != change.before.shape.get(name)
    }
    for thing in ("skin", "lips", "mask", "beard"):
        if getattr(change.after.look, thing) != getattr(change.before.look, thing):
            said.add(f"{thing}={getattr(change.after.look, thing)}")
    return said


def labels() -> tuple[str, ...]:
    """Every label a caption or an instruction can have, sorted."""
    found = {axis_label(axis.name, sign) for axis in SHAPES for sign in (1.0, -1.0)} | {
        "beard",
        "mask=None",
        "beard=None",
    }
    for thing, table in (("skin", SKIN), ("lips", PAINT), ("mask", PAINT), ("beard", HAIR)):
        found |= {f"{thing}={colour}" for colour in table}
    return tuple(sorted(found))


def listed(parts: list[str], rng: random.Random) -> str:
    """ "a, b and c", or with commas only."""
    if len(parts) > 1 and rng.random() < 0.6:
        return ", ".join(parts[:-1]) + " and " + parts[-1]
    return ", ".join(parts)


def draw_shape_change(person: Person, rng: random.Random) -> Change:
    """An instruction that moves one axis clearly, in one of several phrasings."""
    axis = rng.choice(SHAPES)
    up = rng.random() < 0.5
    target = rng.uniform(0.55, 1) if up else rng.uniform(-1, -0.55)
    start = rng.uniform(-0.7, 0.3) if up else rng.uniform(-0.3, 0.7)
    adjective, comparative = (axis.more, axis.comparatives[0]) if up else (axis.less, axis.comparatives[1])
    his, him = rng.choice(PRONOUNS)
    if axis.name == "gender":
        phrases = [f"make {him} a {adjective}", f"turn {him} into a {adjective}"]
    elif not axis.noun:
        phrases = [f"make {him} {adjective}", f"make {him} {comparative}", f"turn {him} {adjective}"]
    else:
        phrases = [f"make {his} {axis.noun} {adjective}", f"give {him} {axis.phrase(target)}"]
        if comparative:
            phrases += [f"make {his} {axis.noun} {comparative}", f"give {him} {comparative} {axis.noun}"]
    before = replace(person, shape=person.shape | {axis.name: start})
    after = replace(before, shape=before.shape | {axis.name: target})
    return Change(rng.choice(phrases), before, after, "geometry")


def draw_colour_change(person: Person, rng: random.Random) -> Change:
    """An instruction that paints or removes one thing, in one of several phrasings."""
    his, him = rng.choice(PRONOUNS)
    look = person.look
    what = rng.choice(("skin", "lips", "lips", "mask", "mask", "beard", "remove"))
    if what == "skin":
        colour = rng.choice(list(SKIN))
        phrases = [f"make {his} skin {colour}", f"give {him} {colour} skin", f"turn {his} skin {colour}"]
    elif what == "lips":
        colour = rng.choice(list(PAINT))
        phrases = [f"make {his} lips {colour}", f"give {him} {colour} lips", f"paint {his} lips {colour}"]
    elif what == "mask":
        colour = rng.choice(list(PAINT))
        phrases = [f"give {him} a {colour} eye mask", f"add a {colour} eye mask", f"paint a {colour} eye mask"]
    elif what == "beard":
        colour = rng.choice(list(HAIR))
        phrases = [f"give {him} a {colour} beard", f"add a {colour} beard", f"make {his} beard {colour}"]
    else:
        what = "beard" if rng.random() < 0.5 else "mask"
        noun = "beard" if what == "beard" else "eye mask"
        colour = None
        phrases = [f"remove the {noun}", f"remove {his} {noun}", f"take the {noun} off"]
    after = replace(person, look=replace(look, **{what: colour}))
    return Change(rng.choice(phrases), person, after, "texture")


def words() -> tuple[str, ...]:
    """Every word a caption or instruction can hold, sorted."""
    found = set("a an the of with and photo clay render head face person off into take".split())  # noqa: SIM905 - a list would take a line a word
    for his, him in PRONOUNS:
        found |= {his, him}
    found |= set("make turn give paint add remove skin lips eye mask beard he she they".split())  # noqa: SIM905 - a list would take a line a word
    for axis in SHAPES:
        found |= {axis.more, axis.less, axis.noun, *axis.comparatives}
    found |= {*SKIN, *PAINT, *HAIR}
    return tuple(sorted(found - {""}))
