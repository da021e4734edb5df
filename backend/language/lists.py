"""The word lists in `lists/`, plain JSON: read once, with the standard library alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "lists"
WORD = r"[^\W\d_]+(?:[-'][^\W\d_]+)*"  # letters of any script


@cache
def read(name: str) -> Any:
    """The contents of `lists/NAME.json`."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@cache
def taught() -> frozenset[str]:
    """Every word the starter networks know."""
    return frozenset(read("starter")["words"])


def said(text: str) -> list[str]:
    """The words of a text in lower case, in order; "long-nosed" is one."""
    return re.findall(WORD, text.lower())


def replaced(text: str, table: Mapping[str, str]) -> str:
    """The text with the table's phrases, whole words of any case, in place of each other; the longest first."""
    return _pattern(tuple(table)).sub(lambda found: table[" ".join(found[0].lower().split())], text)


@cache
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    ordered = sorted(phrases, key=len, reverse=True)
    either = "|".join(re.escape(phrase).replace(r"\ ", r"\s+") for phrase in ordered)
    return re.compile(rf"(?<![\w'-])(?:{either})(?![\w'-])", re.IGNORECASE)


def tidied(text: str) -> str:
    """A text out of which words were taken: no loose commas, "with" and "and", single spaces, "an" before vowels."""
    before = None
    while before != text:
        before = text
        text = re.sub(r"\s+", " ", text)
        text = re.sub(r"\s+,", ",", text)
        text = re.sub(r"\b(with|and|who has) (?:and|with)\b", r"\1", text)
        text = re.sub(r"\b(with|and) ?, ?", r"\1 ", text)
        text = re.sub(r"(, ?)+(?=and\b|,|$)", " ", text)
        text = re.sub(r"^(?:\s|,|\band\b)+|(?:\s|,|\b(?:and|with|who is|who has)\b)+$", "", text)
    return re.sub(r"\b([Aa])n? (?=([a-z]))", lambda found: f"{found[1]}{'n' * (found[2] in 'aeiou')} ", text)
