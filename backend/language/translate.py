"""German and Chinese to English, word by word: enough for faces, and for instructions of the simple kind."""

from __future__ import annotations

import re
from functools import cache

from .lists import WORD, read, replaced, said, taught, tidied
from .shapes import PLURALS

DETERMINERS = ("a", "an", "the", "his", "her", "their", "no", "without")
SINGULAR = (
    "nose",
    "jaw",
    "chin",
    "mouth",
    "brow",
    "forehead",
    "face",
    "neck",
    "beard",
    "moustache",
    "scar",
    "eye mask",
)


def translated(text: str) -> tuple[str, str]:
    """The text in English, and the language it was in: "English", "German" or "Chinese".

    Words that the lists do not have stay as they are.
    """
    if re.search(r"[\u4e00-\u9fff]", text):
        return _chinese(text), "Chinese"
    words = said(text)
    german = sum(_german_word(word) is not None for word in words)
    english = sum(word in _english() for word in words)
    if german > english:
        return _german(text), "German"
    return text, "English"


@cache
def _english() -> frozenset[str]:
    """Words that English prompts for faces are made of."""
    phrases = read("english")["phrases"]
    return taught() | {word for phrase in phrases for word in said(phrase)} | {"without", "for", "as", "old"}


def _german(text: str) -> str:
    phrases = read("german")["phrases"]
    begun = replaced(text, phrases)

    def one(found: re.Match[str]) -> str:
        before_noun = re.match(rf"\s+(?!und\b){WORD}", begun[found.end() :]) is not None
        english = _german_word(found[0].lower(), before_noun)
        return found[0] if english is None else english

    told = re.sub(WORD, one, begun)
    told = re.sub(r"\b(a|the|his|her) a\b", r"\1", told)
    return tidied(with_articles(told))


def _german_word(word: str, before_noun: bool = False) -> str | None:
    """The English of a word, also where an ending makes it agree: "roten", "langer".

    Args:
        before_noun: "dicker" is then "thick", else "thicker".
    """
    lists = read("german")
    inflected = before_noun and word.removesuffix("er") in lists["adjectives"]
    if word in lists["words"] and not inflected:
        return lists["words"][word]
    for ending in ("", *lists["endings"]):
        stem = word.removesuffix(ending) if ending else word
        if word.endswith(ending) and stem in lists["adjectives"]:
            return lists["adjectives"][stem]
    return None


def with_articles(text: str) -> str:
    """The text with "a" before single things that have none: "with long nose" to "with a long nose"."""
    words = re.findall(rf"{WORD}|[^\s\w]", text)
    out: list[str] = []
    start = 0  # of the noun phrase in `out`
    for number, word in enumerate(words):
        if word in ("with", "and", "is", "are", "give", "add", "make", "who", "has", "him", "have") or word in ",.;":
            out.append(word)
            start = len(out)
            continue
        if word in DETERMINERS:
            start = len(out)
        out.append(word)
        phrase, after = " ".join(out[start:]), words[number + 1 : number + 2]
        single = word in SINGULAR or phrase.endswith("eye mask")
        if single and after != ["mask"] and out[start] not in DETERMINERS and word not in PLURALS:
            out.insert(start, "a")
            start = len(out)
    return re.sub(r"\s+([,.;])", r"\1", " ".join(out))


def _chinese(text: str) -> str:
    pieces = _segmented(text)
    verbs = {english for english, kind in pieces if kind == "verb"}
    return tidied(_chinese_instruction(pieces) if verbs else _chinese_person(pieces))


@cache
def _chinese_table() -> dict[str, tuple[str, str]]:
    lists = read("chinese")
    kinds = {"persons": "person", "nouns": "noun", "things": "thing", "adjectives": "adjective", "degrees": "degree"}
    kinds |= {"verbs": "verb", "pronouns": "pronoun", "expressions": "expression"}
    table = dict.fromkeys(lists["dropped"], ("", "dropped"))
    return table | {word: (english, kind) for name, kind in kinds.items() for word, english in lists[name].items()}


def _segmented(text: str) -> list[tuple[str, str]]:
    """(English, kind) of the longest known words from left to right; the rest as it is."""
    table, found, place = _chinese_table(), [], 0
    longest = max(map(len, table))
    while place < len(text):
        for length in range(min(longest, len(text) - place), 0, -1):
            if text[place : place + length] in table:
                found.append(table[text[place : place + length]])
                place += length
                break
        else:
            if found and found[-1][1] == "unknown":
                found[-1] = (found[-1][0] + text[place], "unknown")
            else:
                found.append((text[place], "unknown"))
            place += 1
    return [piece for piece in found if piece[1] != "dropped"]


def _features(pieces: list[tuple[str, str]]) -> tuple[list[str], list[str], str]:
    """Noun phrases, adjectives left over, and the person: 长鼻子的老人 to (["long nose"], [], "old man")."""
    phrases: list[str] = []
    waiting: list[str] = []
    person, last_noun = "", -1
    for english, kind in pieces:
        if kind == "noun":
            phrases.append(" ".join([*waiting, english]))
            last_noun = len(phrases) - 1 if not waiting else -1
            waiting = []
        elif kind == "adjective" and last_noun >= 0:  # 鼻子很长: the nose is long
            phrases[last_noun] = " ".join([*waiting, english, phrases[last_noun]])
            waiting, last_noun = [], -1
        elif kind in ("thing", "unknown", "expression"):
            phrases.append(english)
            last_noun = -1
        elif kind == "person":
            person = " ".join([*waiting, english])
            waiting = []
        elif kind in ("adjective", "degree"):
            waiting.append(english)
    return phrases, waiting, person


def _chinese_person(pieces: list[tuple[str, str]]) -> str:
    phrases, waiting, person = _features(pieces)
    whole = " ".join([*waiting, person or "person"])
    parts = ", ".join(with_articles(phrase) for phrase in phrases)
    return f"a {whole} with {parts}" if parts else f"a {whole}"


def _chinese_instruction(pieces: list[tuple[str, str]]) -> str:
    verb = next(english for english, kind in pieces if kind == "verb")
    whose = next((english for english, kind in pieces if kind == "pronoun"), "")
    changes = any(piece == ("become", "verb") for piece in pieces)
    phrases, waiting, person = _features([piece for piece in pieces if piece[1] not in ("verb", "pronoun")])
    if verb == "remove":
        return f"remove {whose if whose in ('his', 'her') else 'the'} {' and '.join(phrases)}"
    if changes or verb == "make":
        return _chinese_change(whose, phrases, waiting, person)
    told = " and ".join(with_articles(phrase) for phrase in phrases)
    return f"give {'her' if whose == 'her' else 'him'} {told}" if whose else f"add {told}"


def _chinese_change(whose: str, phrases: list[str], waiting: list[str], person: str) -> str:
    """ "make his nose longer", "make his lips red", "make him old"."""
    if not phrases:
        return f"make {'her' if whose == 'her' else 'him'} {' '.join(waiting) or person}"
    *adjectives, noun = phrases[0].split()
    told = [*adjectives, *waiting]
    more = read("chinese")["comparatives"]
    changed = " ".join([*told[:-1], more.get(told[-1], told[-1])]) if told else ""
    return f"make {whose if whose in ('his', 'her') else 'the'} {noun} {changed}".strip()
