"""What a face looks like once an instruction is carried out, in words of a prompt: "make his lips red" is "red lips".

For guidance that goes from one description to another, in place of following an instruction.
"""

from __future__ import annotations

import re

from .language import THINGS
from .language.shapes import with_article
from .moves import Move, moves_of

SOMEBODY = "a person"
WHOM = r"(?:him|her|them|the (?:man|woman|person))"
GIVEN = re.compile(rf"(?:give {WHOM}|add|put on|draw|paint) (?P<what>(?:an?|short|some|\w+) .+|\w+)$", re.IGNORECASE)
COLOURED = re.compile(
    r"(?:make|turn|paint|dye) (?:his|her|their|the) (?!into |look )(?P<noun>[a-z ]+?) (?P<how>[a-z]+)$", re.IGNORECASE
)
TURNED = re.compile(rf"(?:make|turn) {WHOM} (?:look )?(?P<into>into )?(?P<what>.+)$", re.IGNORECASE)
GONE = re.compile(r"\b(?:remove|off|without|shave|shaved|bald)\b", re.IGNORECASE)
COLOURS = frozenset(colour for thing in THINGS for colour in thing.colours)


def afterwards(instruction: str) -> str | None:
    """Such as "a person with red lips"; None where something is taken away, or the form is not known."""
    said = " ".join(re.findall(r"[\w'-]+", instruction))
    if moves := moves_of(instruction):
        return _moved(moves)
    if GONE.search(said):
        return None
    if found := COLOURED.match(said):
        how, noun = found["how"], found["noun"]
        plain = noun in {thing.noun for thing in THINGS if not thing.goes} | {"hair", "war paint", "eye shadow"}
        return f"{SOMEBODY} with {how} {noun}" if plain else f"{SOMEBODY} with {with_article(how, noun)}"
    if found := TURNED.match(said):
        what = found["what"]
        if what in COLOURS:
            return f"{SOMEBODY} with {what} skin"
        if found["into"] or what.startswith(("a ", "an ")):
            return what
        return f"{SOMEBODY} {what}" if " " in what else with_article(what.lower(), "person")
    found = GIVEN.match(said)
    return f"{SOMEBODY} with {found['what']}" if found else None


def _moved(moves: tuple[Move, ...]) -> str:
    """The ends of the axes that are moved along, in plain words."""
    who, with_ = SOMEBODY, list[str]()
    for move in moves:
        word = f"{move.degree} {move.axis.end(move.sign).adjective}".strip()
        if move.axis.noun:
            with_.append(with_article(word, move.axis.noun))
        else:
            who = with_article(word, "" if move.axis.name == "gender" else "person")
    return who + (f" with {' and '.join(with_)}" if with_ else "")
