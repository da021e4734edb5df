"""Instructions that name a slider: which axis of shape, which way, how far; "much longer nose" needs no network.

Only edits read this. The words are those of `language.SHAPES`, and an instruction that says anything else is left to
the networks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .language import DEGREES, SHAPES, Shape
from .language.instructions import MOVES

STEPS = {degree: sum(span) / 2 for degree, span in MOVES.items()}  # of a comparative, in halves of an axis's range
PLACES = {degree: sum(span) / 2 for degree, span in DEGREES.items()}  # where "a long nose" lies on its axis
LEAST = 0.3  # what is asked for moves by so much, however long the nose already is
LITTLE = frozenset(("slightly", "bit", "little", "somewhat"))
MUCH = frozenset(("much", "very", "far", "lot", "really", "extremely"))
FILLERS = frozenset(
    {
        *(
            "make",
            "makes",
            "give",
            "gives",
            "turn",
            "get",
            "let",
            "have",
            "has",
            "keep",
            "look",
            "looks",
            "be",
            "become",
        ),
        *("into", "with", "and", "to", "of", "for", "a", "an", "the", "this", "that", "his", "him", "her", "hers"),
        *("their", "them", "they", "it", "its", "he", "she", "person", "someone", "one", "please", "even", "still"),
    }
)
NOUNS = {"lip": "lips", "eye": "eyes", "ear": "ears", "cheek": "cheeks", "cheekbone": "cheekbones"}
ALL_NOUNS = frozenset(axis.noun for axis in SHAPES if axis.noun)
WHO = re.compile(r"\b(the|this|that) (man|woman)(?='s|\b)")  # somebody, not what they are to become


@dataclass(frozen=True)
class Move:
    """One axis, one way.

    Attributes:
        degree: a key of STEPS.
        relative: "longer" goes on from where the head is, "long" says where to.
    """

    axis: Shape
    sign: float
    degree: str = ""
    relative: bool = True

    def distance(self, now: float) -> float:
        """How far the axis is to move, signed, from where it is; 1 is half of its range."""
        if self.relative:
            return self.sign * STEPS[self.degree]
        place = 1.0 if self.axis.name == "gender" else PLACES[self.degree]
        return self.sign * max(place - self.sign * now, LEAST)


def moves_of(instruction: str) -> tuple[Move, ...]:
    """The moves an instruction is made of, none where any word of it says something else."""
    text = WHO.sub("him", instruction.lower()).replace("'s", "")
    found: list[Move] = []
    noun = ""
    for clause in re.split(r",|;|\.|\band\b|\bbut\b", text):
        words = re.findall(r"[a-z]+(?:-[a-z]+)*", clause)
        if FILLERS.issuperset(words):
            continue
        nouns = [_plural(word) for word in words if _plural(word) in ALL_NOUNS]
        noun = nouns[0] if nouns else noun
        move = _move(words, noun)
        if move is None:
            return ()
        found.append(move)
    return tuple(found)


def _move(words: Sequence[str], noun: str) -> Move | None:
    """The move of one clause, where all its words are accounted for."""
    said = {word for word in words if word not in FILLERS and _plural(word) != noun}
    degree = "slightly" if LITTLE & set(words) else "very" if said & MUCH else ""
    said -= LITTLE | MUCH
    turned = -1.0 if "less" in said else 1.0
    compared = bool(said & {"more", "less"})
    said -= {"more", "less"}
    if len(said) != 1:
        return None
    (word,) = said
    for axis in sorted(SHAPES, key=lambda axis: axis.noun != noun):  # the named part's axes first
        if axis.noun not in ("", noun):
            continue
        for sign in (1.0, -1.0):
            end = axis.end(sign)
            if word in end.comparatives():
                return Move(axis, sign * turned, degree, True)
            if word in end.adjectives():
                return Move(axis, sign * turned, degree, compared)
    compound = {
        end.compound: (axis, sign) for axis in SHAPES for sign in (1.0, -1.0) if (end := axis.end(sign)).compound
    }
    return Move(*compound[word], degree, compared) if word in compound else None


def _plural(word: str) -> str:
    return NOUNS.get(word, word)
