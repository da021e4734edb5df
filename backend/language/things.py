"""What a face's texture can show in words: the phrases for each field of a `Look`, and where it lies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from .looks import HAIR, IRIS, PAINT, SKIN, Colour

Value = str | bool | float | None


@dataclass(frozen=True)
class Thing:
    """One field of `Look`.

    Attributes:
        name: the field.
        regions: names of the head's regions it is painted on.
        colours: what it may be; empty where it is there or not.
        named: phrases with the colour as "{}", the first the plain one.
        plain: phrases without a colour; none where the thing is always there.
        noun: of "make his lips red", "remove the beard".
        goes: it can be taken away.
        chance: of a person to have it (or to have it named).
    """

    name: str
    regions: tuple[str, ...]
    colours: Mapping[str, Colour] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    noun: str = ""
    goes: bool = True
    chance: float = 0.22


CHEEKS = ("left_cheek", "right_cheek")
BROWS = ("left_brow", "right_brow")
EYE_AREAS = ("left_eye_area", "right_eye_area")

THINGS = (
    Thing("skin", ("forehead", *CHEEKS), SKIN, ("{} skin",), (), "skin", False, 0.5),
    Thing("lips", ("lips",), PAINT, ("{} lips", "{} lipstick"), (), "lips", False, 0.4),
    Thing("eyes", ("left_eyeball", "right_eyeball"), IRIS, ("{} eyes",), (), "eyes", False, 0.25),
    Thing("brows", BROWS, HAIR, ("{} brows", "{} eyebrows"), (), "brows", False, 0.25),
    Thing("hair", ("hair",), HAIR, ("short {} hair", "{} hair"), ("short hair",), "hair", True, 0.3),
    Thing("beard", ("beard",), HAIR, ("a {} beard",), ("a beard",), "beard", True, 0.18),
    Thing("moustache", ("moustache",), HAIR, ("a {} moustache",), ("a moustache",), "moustache", True, 0.18),
    Thing("stubble", ("beard",), {}, (), ("stubble",), "stubble", True, 0.15),
    Thing("shadow", ("eye_shadow",), PAINT, ("{} eye shadow",), ("eye shadow",), "eye shadow"),
    Thing("mask", ("eye_mask",), PAINT, ("a {} eye mask",), ("an eye mask",), "eye mask"),
    Thing("stripes", ("stripes",), PAINT, ("{} stripes on the cheeks", "{} war paint"), ("war paint",), "stripes"),
    Thing("blush", ("blush",), {}, (), ("blush", "rosy cheeks"), "blush"),
    Thing("freckles", ("freckles",), {}, (), ("freckles", "a freckled face"), "freckles"),
    Thing("scar", ("left_scar", "right_scar"), {}, (), ("a scar", "a scar on the cheek"), "scar"),
    Thing("wrinkles", ("forehead", *EYE_AREAS), {}, (), ("wrinkles", "a wrinkled face"), "wrinkles"),
)
THING = {thing.name: thing for thing in THINGS}
WIDER: Mapping[str, tuple[str, ...]] = {  # regions that hold one on heads that do not have it
    "hair": ("scalp",),
    "moustache": ("beard",),
    "eye_shadow": EYE_AREAS,
    "stripes": CHEEKS,
    "blush": CHEEKS,
    "freckles": ("nose", *CHEEKS),
    "left_scar": ("left_cheek",),
    "right_scar": ("right_cheek",),
}
SHAVED = "shaved"  # of the hair: a shadow on the scalp
SHOWN = 0.35  # how deep wrinkles are that are spoken of
DEEP = 0.75  # and that are called deep


def regions_on(regions: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    """The regions that a head has of those named, or the wider ones that hold them; `known` are all it has."""
    found = [one for name in regions for one in ((name,) if name in known else WIDER.get(name, ()))]
    return tuple(name for name in dict.fromkeys(found) if name in known)


def thing_label(name: str, value: Value) -> str:
    """ "lips=red", "freckles=True", "beard=None"; "beard=any" where the colour is not said."""
    if not value:
        return f"{name}=None"
    return f"{name}={value}" if isinstance(value, str) else f"{name}=True"
