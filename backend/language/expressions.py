"""Words for an expression: what they say of the head's expression keys, and the text without them.

A face is made at rest. What it does is a coefficient of its expression keys, not part of who it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from .lists import read, replaced, tidied


@cache
def expressions() -> Mapping[str, Mapping[str, float]]:
    """Phrase to ARKit's keys, each with how far it goes, 0 to 1."""
    return {phrase: group["keys"] for group in read("expressions") for phrase in group["said"]}


def taken(text: str) -> tuple[str, dict[str, float]]:
    """The text without its expressions, and their keys; of two that share a key the stronger counts."""
    table = expressions()
    rest = replaced(text, dict.fromkeys(table, "\0"))
    if rest == text:
        return text, {}
    keys: dict[str, float] = {}
    for phrase in _phrases(text):
        for name, value in table[phrase].items():
            keys[name] = max(value, keys.get(name, 0.0))
    return tidied(rest.replace("\0", "")), keys


def _phrases(text: str) -> list[str]:
    """The expressions a text names, each once; "a smile" is not also "smile"."""
    marked = replaced(text, {phrase: f" \1{phrase.replace(' ', '_')}\1 " for phrase in expressions()})
    return list(dict.fromkeys(part.replace("_", " ") for part in marked.split("\1")[1::2]))
