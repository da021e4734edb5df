"""The axes of shape: the words for both ends of each, and the sliders of the head they are bound to."""

from __future__ import annotations

from dataclasses import dataclass

PLURALS = ("lips", "eyes", "ears", "cheeks", "cheekbones", "skin", "brows", "hair", "freckles", "stripes")
# (least, most) of |value| that a degree is said of; "" is the plain word.
DEGREES: dict[str, tuple[float, float]] = {"slightly": (0.3, 0.5), "": (0.45, 0.85), "very": (0.75, 1.0)}


@dataclass(frozen=True)
class End:
    """One end of an axis in words.

    Attributes:
        adjective: the plain word.
        comparative: "" where only "more X" is said.
        others: (adjective, comparative) of its synonyms.
        compound: what stands before "person" instead: "long-nosed"; "" where there is none.
    """

    adjective: str
    comparative: str = ""
    others: tuple[tuple[str, str], ...] = ()
    compound: str = ""

    def adjectives(self) -> tuple[str, ...]:
        return (self.adjective, *(word for word, _ in self.others))

    def gradable(self) -> tuple[str, ...]:
        """Adjectives that "slightly" and "very" go with: not "very huge"."""
        return (self.adjective, *(word for word, more in self.others if more))

    def comparatives(self) -> tuple[str, ...]:
        return (self.comparative or f"more {self.adjective}", *(more for _, more in self.others if more))


@dataclass(frozen=True)
class Shape:
    """One axis of shape: -1 is `less`, +1 is `more`.

    Attributes:
        noun: what the adjectives describe; "" where the word describes the whole person ("old").
        sliders: (slider, value at -1, value at +1); no slider is bound to two axes.
        regions: where the axis shows, region names of the head.
    """

    name: str
    noun: str
    more: End
    less: End
    regions: tuple[str, ...]
    sliders: tuple[tuple[str, float, float], ...]

    def end(self, sign: float) -> End:
        return self.more if sign > 0 else self.less

    def phrase(self, value: float) -> str:
        """Plain words for a value: "a long nose", "full lips", "old"."""
        adjective = self.end(value).adjective
        return with_article(adjective, self.noun) if self.noun else adjective


def with_article(adjective: str, noun: str) -> str:
    """ "a long nose", "an old man"; plural nouns take none."""
    if noun in PLURALS:
        return f"{adjective} {noun}"
    return f"{'an' if adjective[0] in 'aeiou' else 'a'} {adjective} {noun}".rstrip()


EYES = ("left_eye_area", "right_eye_area")
EARS = ("left_ear", "right_ear")
CHEEKS = ("left_cheek", "right_cheek")

SHAPES = (
    Shape(
        "nose_length",
        "nose",
        End("long", "longer", compound="long-nosed"),
        End("short", "shorter", compound="short-nosed"),
        ("nose",),
        (
            ("nose-scale-vert-incr", -1.0, 1.0),
            ("nose-base-up", 0.5, -0.5),
            ("nose-compression-uncompress", -0.4, 0.6),
        ),
    ),
    Shape(
        "nose_width",
        "nose",
        End("wide", "wider", (("broad", "broader"),)),
        End("narrow", "narrower", (("slim", "slimmer"), ("thin", "thinner"))),
        ("nose",),
        (
            ("nose-scale-horiz-incr", -0.8, 0.8),
            ("nose-nostrils-width-incr", -0.7, 0.5),
            ("nose-width3-incr", -0.5, 0.6),
            ("nose-width2-incr", -0.5, 0.8),
            ("nose-flaring-incr", -0.4, 0.4),
        ),
    ),
    Shape(
        "nose_bridge",
        "nose",
        End("hooked", "", (("aquiline", "more aquiline"),), "hook-nosed"),
        End("snub", "", (("upturned", "more upturned"),), "snub-nosed"),
        ("nose",),
        (
            ("nose-hump-incr", -0.8, 1.0),
            ("nose-curve-convex", -1.0, 1.0),
            ("nose-point-up", 1.0, -0.6),
            ("nose-greek-incr", -1.0, 1.0),
        ),
    ),
    Shape(
        "nose_tip",
        "nose",
        End("pointed", "", (("sharp", "sharper"),)),
        End("round", "rounder", (("bulbous", "more bulbous"),)),
        ("nose",),
        (
            ("nose-volume-incr", 1.0, -0.9),
            ("nose-point-width-incr", 1.0, -1.0),
            ("nose-scale-depth-incr", -0.4, 0.8),
            ("nose-nostrils-angle-up", -0.5, 0.5),
        ),
    ),
    Shape(
        "jaw_width",
        "jaw",
        End("wide", "wider", (("square", "squarer"), ("broad", "broader")), "square-jawed"),
        End("narrow", "narrower", (("slim", "slimmer"),)),
        ("jaw", "beard"),
        (("chin-bones-incr", -1.0, 1.0), ("chin-jaw-drop-incr", -0.4, 0.4)),
    ),
    Shape(
        "chin_width",
        "chin",
        End("wide", "wider", (("broad", "broader"),)),
        End("narrow", "narrower", (("pointed", "more pointed"),)),
        ("chin", "jaw"),
        (("chin-width-incr", -1.0, 0.9), ("chin-cleft-incr", -0.3, 0.6)),
    ),
    Shape(
        "chin_length",
        "chin",
        End("long", "longer", (("big", "bigger"),)),
        End("short", "shorter", (("small", "smaller"),)),
        ("chin", "jaw", "lips"),
        (("chin-height-incr", -0.9, 0.6), ("chin-prominent-incr", -0.5, 0.5)),
    ),
    Shape(
        "cheeks",
        "cheeks",
        End("full", "fuller", (("chubby", "chubbier"), ("round", "rounder"))),
        End("hollow", "hollower", (("sunken", "more sunken"),)),
        CHEEKS,
        (("cheek-volume-incr", -1.0, 0.9),),
    ),
    Shape(
        "cheekbones",
        "cheekbones",
        End("high", "higher", (("prominent", "more prominent"),)),
        End("flat", "flatter", (("low", "lower"),)),
        (*CHEEKS, "eye_mask"),
        (("cheek-bones-incr", -1.0, 1.0), ("cheek-trans-up", -0.9, 0.9)),
    ),
    Shape(
        "lip_volume",
        "lips",
        End("full", "fuller", (("thick", "thicker"), ("plump", "plumper"))),
        End("thin", "thinner", (("slim", "slimmer"),)),
        ("lips",),
        (
            ("mouth-upperlip-volume-incr", -1.0, 0.8),
            ("mouth-lowerlip-volume-incr", -1.0, 0.7),
            ("mouth-upperlip-height-incr", -0.7, 0.9),
            ("mouth-lowerlip-height-incr", -1.0, 0.5),
            ("mouth-scale-vert-incr", -0.6, 0.5),
            ("mouth-cupidsbow-incr", -0.5, 0.5),
        ),
    ),
    Shape(
        "mouth_width",
        "mouth",
        End("wide", "wider", (("big", "bigger"), ("broad", "broader"))),
        End("narrow", "narrower", (("small", "smaller"),)),
        ("lips", "mouth"),
        (
            ("mouth-scale-horiz-incr", -1.0, 1.0),
            ("mouth-upperlip-width-incr", -0.2, 0.7),
            ("mouth-lowerlip-width-incr", -0.2, 0.7),
        ),
    ),
    Shape(
        "eye_size",
        "eyes",
        End("big", "bigger", (("large", "larger"), ("huge", ""))),
        End("small", "smaller", (("tiny", "tinier"),)),
        EYES,
        (
            ("eye-scale-incr", -1.0, 1.0),
            ("eye-height1-incr", -0.7, 0.5),
            ("eye-height2-incr", -0.7, 0.5),
            ("eye-height3-incr", -0.7, 0.5),
            ("eye-push2-out", -0.5, 0.6),
        ),
    ),
    Shape(
        "eye_spacing",
        "eyes",
        End("wide-set"),
        End("close-set"),
        EYES,
        (("eye-trans-out", -1.0, 1.0), ("eye-push1-out", -0.6, 0.6)),
    ),
    Shape(
        "eye_slant",
        "eyes",
        End("slanted", "", (("upturned", "more upturned"),)),
        End("drooping", "", (("downturned", "more downturned"),)),
        EYES,
        (
            ("eye-corner1-up", -1.0, 1.0),  # the outer corner
            ("eye-corner2-up", 1.0, -1.0),
            ("eye-eyefold-angle-up", -1.0, 1.0),
            ("eyebrows-angle-up", 0.9, -0.4),
        ),
    ),
    Shape(
        "brow_ridge",
        "brow",
        End("heavy", "heavier", (("strong", "stronger"),)),
        End("smooth", "smoother", (("flat", "flatter"),)),
        ("left_brow", "right_brow"),
        (("eyebrows-trans-forward", -1.0, 0.38), ("eyebrows-trans-up", 0.8, -0.6)),
    ),
    Shape(
        "forehead",
        "forehead",
        End("high", "higher", (("tall", "taller"), ("big", "bigger"))),
        End("low", "lower", (("short", "shorter"), ("small", "smaller"))),
        ("forehead", "scalp"),
        (("forehead-scale-vert-incr", -0.8, 0.45), ("forehead-nubian-incr", -0.1, 0.12)),
    ),
    Shape(
        "ear_size",
        "ears",
        End("big", "bigger", (("large", "larger"), ("huge", "")), "big-eared"),
        End("small", "smaller", (("tiny", "tinier"),)),
        EARS,
        (
            ("ear-scale-incr", -1.0, 1.0),
            ("ear-scale-vert-incr", -0.6, 0.8),
            ("ear-scale-depth-incr", -0.6, 0.8),
            ("ear-lobe-incr", -0.4, 0.6),
        ),
    ),
    Shape(
        "ears_out",
        "ears",
        End("protruding", "", (("sticking-out", "more sticking-out"),)),
        End("flat", "flatter"),
        EARS,
        (("ear-wing-incr", -0.9, 0.8), ("ear-flap-incr", -0.4, 0.4)),
    ),
    Shape(
        "ear_shape",
        "ears",
        End("pointed"),
        End("round", "rounder"),
        EARS,
        (("ear-shape-triangle", 0.5, -0.9), ("ear-shape-round", 1.0, -0.6)),
    ),
    Shape(
        "face_length",
        "face",
        End("long", "longer", (("narrow", "narrower"),), "long-faced"),
        End("round", "rounder", (("wide", "wider"), ("broad", "broader")), "round-faced"),
        ("face",),
        (("head-scale-vert-incr", -0.45, 0.45), ("head-scale-horiz-incr", 0.5, -0.5)),
    ),
    Shape(
        "neck",
        "neck",
        End("thick", "thicker", (("wide", "wider"),)),
        End("thin", "thinner", (("slim", "slimmer"),)),
        ("neck",),
        (
            ("neck-scale-horiz-incr", -1.0, 1.0),
            ("measure-neck-circ-incr", -0.6, 1.0),
            ("neck-scale-depth-incr", -0.5, 0.6),
        ),
    ),
    Shape(
        "age",
        "",
        End("old", "older", (("elderly", "more elderly"),)),
        End("young", "younger", (("youthful", "more youthful"),)),
        ("face",),
        (
            ("age", 0.62, 1.0),
            ("head-age-incr", -1.0, 1.0),
            ("eye-bag-incr", -0.6, 1.0),
            ("mouth-laugh-lines-out", 0.6, -0.6),
            ("mouth-angles-up", 0.2, -0.25),
        ),
    ),
    Shape(
        "gender",
        "",
        End("man"),
        End("woman"),
        ("face",),
        (("gender", 1.0, 0.0),),
    ),
    Shape(
        "weight",
        "",
        End("fat", "fatter", (("chubby", "chubbier"), ("plump", "plumper"))),
        End("thin", "thinner", (("slim", "slimmer"), ("skinny", "skinnier"))),
        ("face",),
        (
            ("head-fat-incr", -0.9, 1.0),
            ("neck-double-incr", -0.5, 1.0),
            ("cheek-inner-incr", -0.5, 0.7),
            ("weight", 0.1, 0.95),
        ),
    ),
)
AXES = {axis.name: axis for axis in SHAPES}
