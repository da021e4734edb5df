"""Words of an instruction that name a part of the face: which region an edit is locked to, and what it changes.

What names a slider goes to `moves` first. Only edits read this; prompts reach a face through the networks alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .language import SHAPES, THINGS

CHEEKS = ("left_cheek", "right_cheek")
BROWS = ("left_brow", "right_brow")
EYE_AREAS = ("left_eye_area", "right_eye_area")
EARS = ("left_ear", "right_ear")
PARTS: dict[str, tuple[str, ...]] = {
    "upper lip": ("upper_lip",),
    "lower lip": ("lower_lip",),
    **dict.fromkeys(("lips", "lip", "mouth", "lipstick"), ("lips",)),
    "nose": ("nose",),
    **dict.fromkeys(("eyes", "eye"), EYE_AREAS),
    **dict.fromkeys(("brows", "brow", "eyebrows", "eyebrow"), BROWS),
    **dict.fromkeys(("ears", "ear"), EARS),
    **dict.fromkeys(("cheeks", "cheek", "cheekbones"), CHEEKS),
    "forehead": ("forehead",),
    "chin": ("chin",),
    "jaw": ("jaw",),
    "neck": ("neck",),
    **dict.fromkeys(("scalp", "head"), ("scalp",)),
    **dict.fromkeys(("mask",), ("eye_mask",)),
    "war paint": ("stripes",),
}
WHOLE = frozenset(("skin", "wrinkles"))  # things that are all over the face
NOWHERE = frozenset((*WHOLE, *(axis.noun for axis in SHAPES), "face", "look", "complexion", "age"))  # not in one place
ADDED = re.compile(  # "give him a golden crown", "add a tattoo on his temple": the thing, which ends with its noun
    r"\b(?:give (?:him|her|them|the \w+)|add|put(?: on)?|paint|draw) "
    r"(?:(?:an?|the|some|his|her|their) )?(.+?)(?: (?:on|onto|in|at|to|with|over|under|around|and) |$)"
)
SHARED = frozenset(("lips", "eyes", "brows"))  # whose nouns are also those of shapes
# Noun -> regions. Longer names are looked for first.
REGIONS = PARTS | {thing.noun: thing.regions for thing in THINGS if thing.name not in SHARED | WHOLE}
COLOURS = frozenset(colour for thing in THINGS for colour in thing.colours)
PAINTED = frozenset(
    word
    for thing in THINGS
    if thing.name not in SHARED
    for phrase in (thing.noun, *thing.named, *thing.plain)
    for word in re.findall("[a-z]+", phrase)
) - {"a", "an", "on", "the", "eye", "short", "face", "cheek", "cheeks"} | {
    "shave",
    "shaved",
    "bald",
    "lipstick",
    "mask",
}
SPECIES = frozenset(
    {
        *(
            "alien",
            "ape",
            "cat",
            "cyborg",
            "demon",
            "devil",
            "dog",
            "dwarf",
            "elf",
            "ghost",
            "giant",
            "goblin",
            "gnome",
        ),
        *("lizard", "monster", "neanderthal", "ogre", "orc", "robot", "skeleton", "statue", "troll", "vampire"),
        *("werewolf", "witch", "wolf", "zombie"),
    }
)
ENDS = [end for axis in SHAPES for end in (axis.more, axis.less)]
SHAPE_WORDS = frozenset(
    word.removeprefix("more ") for end in ENDS for word in (*end.adjectives(), *end.comparatives(), end.compound)
) - {""} | {"larger", "shape", "size"}
WHOLE_WORDS = SPECIES | {  # what ages, fattens or turns into somebody else shows in shape and skin alike
    word.removeprefix("more ")
    for axis in SHAPES
    if not axis.noun
    for end in (axis.more, axis.less)
    for word in (*end.adjectives(), *end.comparatives())
}


@dataclass(frozen=True)
class Route:
    """What an instruction asks for.

    Attributes:
        scope: "geometry", "texture" or "both".
        region: names of regions; empty means the whole head, or where the noun will be found.
        noun: the words that name them, or a thing that no region is known for; "" where nothing in particular is named.
    """

    scope: str
    region: tuple[str, ...]
    noun: str = ""


def route(instruction: str) -> Route:
    """What is painted goes to texture, else shape words to geometry; the part of the face that is named is the region.

    Words for the whole person (age, weight, sex, species) go to both where no part is named. "Man" and "woman" are
    words of shape only where no colour is named: "give the man red lips".
    """
    words = re.findall(r"[a-z]+(?:-[a-z]+)*", instruction.lower())
    said, text = set(words), f" {' '.join(words)} "
    geometry = said & SHAPE_WORDS and not said & PAINTED
    if not said & (SHAPE_WORDS - {"man", "woman"}) and said & COLOURS:
        geometry = False
    scope = "geometry" if geometry else "texture"
    for noun in sorted(REGIONS, key=lambda noun: (-len(noun.split()), noun not in PAINTED, noun)):
        if f" {noun} " in text:
            return Route(scope, REGIONS[noun], noun)
    if noun := _added(text.strip()):
        return Route(scope, (), noun)
    whole = said & WHOLE_WORDS and not said & (COLOURS | PAINTED)
    return Route("both" if whole else scope, ())


def _added(text: str) -> str:
    """The noun of a thing that an instruction adds, "" where it adds none or one that is all over the face."""
    found = ADDED.search(text)
    words = found[1].split() if found else []
    return "" if not words or NOWHERE & set(words) or words[-1] in COLOURS else words[-1]
