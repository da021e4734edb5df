"""What a face's texture can show: the colours each thing may have, and a `Look` that names them."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[int, int, int]

NATURAL_SKIN: tuple[Colour, Colour] = ((228, 184, 158), (166, 118, 90))  # unnamed skin lies between these
SKIN: dict[str, Colour] = {
    "pale": (244, 222, 212),
    "tanned": (186, 132, 96),
    "brown": (132, 88, 62),
    "dark": (84, 56, 42),
    "green": (98, 158, 84),
    "blue": (92, 128, 190),
    "red": (182, 62, 54),
    "grey": (150, 150, 152),
}
PAINT: dict[str, Colour] = {
    "red": (188, 22, 34),
    "pink": (226, 108, 148),
    "purple": (112, 44, 140),
    "blue": (38, 66, 190),
    "green": (34, 130, 60),
    "black": (26, 23, 25),
    "white": (236, 234, 230),
}
HAIR: dict[str, Colour] = {
    "black": (34, 28, 27),
    "brown": (92, 60, 38),
    "blond": (204, 168, 104),
    "red": (150, 66, 30),
    "grey": (142, 140, 138),
    "white": (226, 223, 217),
}
IRIS: dict[str, Colour] = {
    "brown": (78, 50, 30),
    "blue": (64, 106, 168),
    "green": (66, 120, 72),
    "grey": (118, 126, 134),
}


@dataclass(frozen=True)
class Look:
    """A face's texture in words, where it was named. None or False: not there, or not named (skin, lips, eyes, brows).

    Attributes:
        skin, lips, eyes, brows: keys of SKIN, PAINT, IRIS, HAIR.
        hair: a key of HAIR, "shaved", or None for a bald scalp; short and painted on.
        beard, moustache: keys of HAIR.
        shadow, mask, stripes: keys of PAINT; eye shadow, a mask round the eyes, war paint across the cheeks.
        wrinkles: 0..1, how deep.
        tone: 0..1 between the natural skins where the skin is not named.
        seed: of all that no word names.
    """

    skin: str | None = None
    lips: str | None = None
    eyes: str | None = None
    brows: str | None = None
    hair: str | None = None
    beard: str | None = None
    moustache: str | None = None
    stubble: bool = False
    shadow: str | None = None
    mask: str | None = None
    stripes: str | None = None
    blush: bool = False
    freckles: bool = False
    scar: bool = False
    wrinkles: float = 0.0
    tone: float = 0.5
    seed: int = 0
