"""Words of an instruction that name a part of the face: which region an edit is locked to, and what it changes.

Only edits read this; prompts reach a face through the networks alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Noun -> regions. Longer names are looked for first.
REGIONS: dict[str, tuple[str, ...]] = {
    "eye mask": ("eye_mask",),
    "mask": ("eye_mask",),
    "upper lip": ("upper_lip",),
    "lower lip": ("lower_lip",),
    "lips": ("lips",),
    "lip": ("lips",),
    "mouth": ("lips",),
    "beard": ("beard",),
    "nose": ("nose",),
    "eyes": ("left_eye_area", "right_eye_area"),
    "eye": ("left_eye_area", "right_eye_area"),
    "brows": ("left_brow", "right_brow"),
    "eyebrows": ("left_brow", "right_brow"),
    "ears": ("left_ear", "right_ear"),
    "cheeks": ("left_cheek", "right_cheek"),
    "forehead": ("forehead",),
    "chin": ("chin",),
    "jaw": ("jaw",),
    "scalp": ("scalp",),
}
SHAPE_WORDS = frozenset(
    (  # noqa: SIM905 - a list would take a line a word
        "long longer short shorter wide wider narrow narrower full fuller thin thinner big bigger small smaller large "
        "larger hooked snub old older young younger man woman fat fatter shape size pointed round"
    ).split()
)


@dataclass(frozen=True)
class Route:
    """What an instruction asks for.

    Attributes:
        scope: "geometry" or "texture".
        region: names of regions; empty means the whole head.
    """

    scope: str
    region: tuple[str, ...]


def route(instruction: str) -> Route:
    """Shape words go to geometry, all else to texture; the first part of the face that is named is the region."""
    words = re.findall(r"[a-z]+", instruction.lower())
    text = f" {' '.join(words)} "
    scope = "geometry" if SHAPE_WORDS & set(words) else "texture"
    for noun in sorted(REGIONS, key=lambda noun: (-len(noun.split()), noun)):
        if f" {noun} " in text:
            return Route(scope, REGIONS[noun])
    return Route(scope, ())
