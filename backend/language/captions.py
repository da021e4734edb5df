"""Descriptions of persons in words, in many phrasings and with degrees; and those that training never draws."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .persons import Person
from .shapes import AXES, DEGREES, PLURALS, SHAPES, Shape, with_article
from .things import DEEP, SHAVED, SHOWN, THINGS, Thing, thing_label

CLAY, PHOTO = "a clay render of", "a photo of"
PLAIN_PERSON = 0.05  # share of captions that name nothing
LONGEST = 10  # things one caption names
SYNONYM, COMPOUND, WHOSE, WHO_HAS = 0.2, 0.12, 0.15, 0.08  # shares of what is not the plain phrasing

# Phrasings no training text has, though it has all their words: {phrase} "a long nose", {noun} and {adjective} its
# parts, {whole} "an old person".
HELD_BACK = ("the face of a person with {phrase}", "{phrase}", "a person, and the {noun} {is_} {adjective}")
HELD_BACK_WHOLE = ("the face of {whole}", "a person who is {adjective}")


@dataclass(frozen=True)
class Feature:
    """Something to say of a person: an axis at a degree, or a phrase of the look."""

    said: frozenset[str]
    axis: Shape | None = None
    sign: float = 1.0
    degree: str = ""
    phrase: str = ""

    @property
    def about(self) -> str:
        """The axis or the thing of the look it speaks of."""
        return self.axis.name if self.axis else min(self.said).split("=")[0]


def caption(person: Person, rng: random.Random, style: str) -> str:
    """A description in `style`, naming most of what is there; of a clay render only its shape."""
    return described(person, rng, style)[0]


def described(person: Person, rng: random.Random, style: str) -> tuple[str, set[str]]:
    """A caption, and what it says as labels: "nose_length+", "nose_length+very", "lips=red"."""
    if rng.random() < PLAIN_PERSON:
        return f"{style} a person", set()
    left_out = 0.0 if rng.random() < 0.5 else rng.uniform(0, 0.7)
    features = [feature for feature in _features(person, rng, style) if rng.random() >= left_out]
    rng.shuffle(features)
    features = features[:LONGEST]
    return f"{style} {sentence(features, rng)}", {label for feature in features for label in feature.said}


def caption_pair(before: Person, after: Person, rng: random.Random, style: str) -> tuple[str, str]:
    """Captions of a person before and after a change: both name the same of what stays, and all of what changed.

    With little else named, the two differ as a prompt does from one that names nothing.
    """
    changed = {axis.name for axis in SHAPES if before.shape.get(axis.name) != after.shape.get(axis.name)}
    changed |= {thing.name for thing in THINGS if getattr(before.look, thing.name) != getattr(after.look, thing.name)}
    named = [_features(person, rng, style) for person in (before, after)]
    left_out = rng.choice((0.0, rng.uniform(0, 0.9), 1.0))
    stays = [feature for feature in named[1] if feature.about not in changed and rng.random() >= left_out]
    rng.shuffle(stays)
    stays, place, seed = stays[: LONGEST - 1], rng.random(), rng.random()
    texts = []
    for features in named:
        features = [feature for feature in features if feature.about in changed]
        at = round(place * len(stays))
        texts.append(f"{style} {sentence([*stays[:at], *features, *stays[at:]], random.Random(seed))}")
    return texts[0], texts[1]


def _features(person: Person, rng: random.Random, style: str) -> list[Feature]:
    return [*shape_features(person, rng), *(look_features(person, rng) if style != CLAY else [])]


def shape_features(person: Person, rng: random.Random) -> list[Feature]:
    """The axes that show, each at a degree its value bears."""
    found = []
    for axis in SHAPES:
        value = person.shape.get(axis.name, 0.0)
        fitting = [name for name, (least, most) in DEGREES.items() if least <= abs(value) <= most]
        if axis.name == "gender":
            fitting = [""] if abs(value) >= DEGREES[""][0] else []
        if abs(value) >= 0.35 and fitting:
            degree = rng.choices(fitting, [3 if name == "" else 1 for name in fitting])[0]
            found.append(Feature(shape_labels(axis.name, value, degree), axis, value, degree))
    return found


def shape_labels(name: str, value: float, degree: str = "") -> frozenset[str]:
    """The axis's side, and the degree where one is said."""
    side = axis_label(name, value)
    return frozenset({side, side + degree})


def axis_label(name: str, value: float) -> str:
    return f"{name}{'+' if value > 0 else '-'}"


def look_features(person: Person, rng: random.Random) -> list[Feature]:
    """What the texture shows; bald heads are spoken of seldom."""
    found = []
    for thing in THINGS:
        value = getattr(person.look, thing.name)
        if thing.name == "wrinkles":
            found += _wrinkles(value, rng)
        elif thing.name == "hair" and value in (None, SHAVED):
            if value == SHAVED or rng.random() < 0.3:
                phrase = "a bald head" if value is None else "a shaved head"
                found.append(Feature(frozenset({thing_label("hair", value)}), phrase=phrase))
        elif value:
            found.append(_named(thing, value, rng))
    return found


def _named(thing: Thing, value: str | bool, rng: random.Random) -> Feature:
    if isinstance(value, bool):
        return Feature(frozenset({thing_label(thing.name, value)}), phrase=varied(thing.plain, rng))
    if thing.plain and rng.random() < 0.15:
        return Feature(frozenset({thing_label(thing.name, "any")}), phrase=varied(thing.plain, rng))
    phrase = varied(thing.named, rng).format(value)
    return Feature(frozenset({thing_label(thing.name, value)}), phrase=phrase)


def _wrinkles(depth: float, rng: random.Random) -> list[Feature]:
    if depth < SHOWN:
        return []
    if depth > DEEP and rng.random() < 0.6:
        return [Feature(frozenset({"wrinkles=True", "wrinkles=deep"}), phrase="deep wrinkles")]
    return [Feature(frozenset({"wrinkles=True"}), phrase=varied(("wrinkles", "a wrinkled face"), rng))]


def varied(phrases: tuple[str, ...], rng: random.Random) -> str:
    """The first by far the most often."""
    plain, *others = phrases
    return rng.choice(others) if others and rng.random() < SYNONYM else plain


def sentence(features: list[Feature], rng: random.Random) -> str:
    """ "a slightly fat old man with a long nose and red lips", or one of its paraphrases."""
    noun, whole, parts, front, whose = "person", [], [], "", ""
    for feature in features:
        axis = feature.axis
        if axis is None:
            parts.append(feature.phrase)
            continue
        end = axis.end(feature.sign)
        adjective = varied(end.gradable() if feature.degree else end.adjectives(), rng)
        graded = with_degree(adjective, feature.degree)
        if axis.name == "gender":
            noun = adjective
        elif not axis.noun:
            whole.append(graded)
        elif end.compound and not feature.degree and not front and rng.random() < COMPOUND:
            front = end.compound
        elif not whose and rng.random() < WHOSE:
            whose = f" whose {axis.noun} {verb(axis.noun)} {a_bit(graded, rng)}"
        else:
            parts.append(with_article(graded, axis.noun))
    words = [*whole, *([front] if front else []), noun]
    subject = with_article(words[0], " ".join(words[1:]))
    having = "who has" if rng.random() < WHO_HAS and not whose else "with"
    return " ".join([subject, *([having, listed(parts, rng)] if parts else [])]) + whose


def with_degree(adjective: str, degree: str) -> str:
    return f"{degree} {adjective}" if degree else adjective


def a_bit(graded: str, rng: random.Random) -> str:
    """After a verb "slightly long" may be "a bit long"."""
    return graded.replace("slightly", "a bit") if rng.random() < 0.4 else graded


def verb(noun: str) -> str:
    return "are" if noun in PLURALS else "is"


def listed(parts: list[str], rng: random.Random) -> str:
    """ "a, b and c", or with commas only."""
    if len(parts) > 1 and rng.random() < 0.6:
        return ", ".join(parts[:-1]) + " and " + parts[-1]
    return ", ".join(parts)


def shape_prompt(name: str, sign: float, degree: str | None = None) -> str:
    """The plainest prompt for one side of an axis: "a person with a very long nose", "a slightly old person"."""
    axis = AXES[name]
    if name == "gender":
        return with_article(axis.phrase(sign), "")
    adjective = with_degree(axis.end(sign).adjective, degree or "")
    return f"a person with {with_article(adjective, axis.noun)}" if axis.noun else with_article(adjective, "person")


def shape_prompts() -> list[tuple[str, float, str]]:
    """(axis, sign, prompt) of both sides of every axis."""
    return [(axis.name, sign, shape_prompt(axis.name, sign)) for axis in SHAPES for sign in (1.0, -1.0)]


def unseen_prompt(name: str, sign: float) -> str:
    """One side of an axis in a phrasing that no training text has."""
    axis, number = AXES[name], list(AXES).index(name) + (sign > 0)
    adjective = axis.end(sign).adjective
    if name == "gender":
        whole, adjective = f"a {adjective}", f"a {adjective}"
    else:
        whole = with_article(adjective, "person")
    templates = HELD_BACK if axis.noun else HELD_BACK_WHOLE
    return templates[number % len(templates)].format(
        phrase=axis.phrase(sign), noun=axis.noun, adjective=adjective, whole=whole, is_=verb(axis.noun)
    )
