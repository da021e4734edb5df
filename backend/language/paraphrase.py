"""What people say to the words the starter networks were taught: "an enormous beard" to "a very big beard"."""

from __future__ import annotations

import re

from .lists import WORD, read, replaced, taught, tidied

PERSONS = ("man", "woman", "person")
WHOSE = "his|her|their|the"


def paraphrased(text: str) -> str:
    """The text in taught words, as far as the lists go; a text of taught words alone comes back as it was."""
    lists = read("english")
    found = _unpacked(_verbs(text.lower(), lists["verbs"]), lists)
    found = replaced(replaced(found, lists["phrases"]), lists["phrases"])  # "gigantic nose", "very big nose"
    return text if found == text.lower() else tidied(found)


def _verbs(text: str, verbs: dict[str, str]) -> str:
    """ "widen his nose" to "make his nose wider"."""
    known = "|".join(verbs)
    told = rf"(?<![\w-])({known})(s?) ({WHOSE}) ({WORD})"
    return re.sub(told, lambda found: f"make {found[3]} {found[4]} {verbs[found[1]]}", text)


def _unpacked(text: str, lists: dict[str, dict[str, str]]) -> str:
    """ "a bearded, dark-skinned man" to "a man with a beard, dark skin"; compounds that are taught stay."""
    traits, compounds = lists["traits"], lists["compounds"]
    head, comma, tail = text.partition(" with ")
    person = re.search(rf"\b(?:{'|'.join(PERSONS)})\b", replaced(head, lists["phrases"]))
    if person is None:
        return text
    features: list[str] = []

    def feature(found: re.Match[str]) -> str:
        word = found[1]
        adjective, hyphen, part = word.rpartition("-")
        if hyphen and part in compounds and adjective and not {adjective, part} <= taught():
            article, _, noun = compounds[part].rpartition(" ")
            features.append(f"{article} {adjective} {noun}".strip())
        elif word in traits and not re.match(r"\s+(?:head|face|skin)", head[found.end() :]):
            features.append(traits[word])
        else:
            return found[0]
        return ""

    rest = re.sub(rf"({WORD}),?", feature, head)
    if not features:
        return text
    every = [*([tail] if comma else []), *features]
    return tidied(f"{rest} with {', '.join(every)}")
