"""What a prompt comes to before any network reads it: other languages, expressions and paraphrases put into its words.

Text to text, and text to expression keys, nothing else: what a face looks like, the networks alone decide.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from .expressions import taken
from .help import LACKING, advice, unknown_words
from .lists import said
from .paraphrase import paraphrased
from .translate import translated


@dataclass(frozen=True)
class Heard:
    """A prompt as it was understood.

    Attributes:
        text: what the networks are told; "" where nothing is left of it.
        expression: ARKit's keys, each 0 to 1.
        unknown: words that the networks do not know, where they know only some.
        notes: sentences for the user: what was read otherwise, left out, or cannot be.
    """

    text: str
    expression: dict[str, float]
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def hear(text: str, closed: bool, keys: bool = True) -> Heard:
    """Reads a prompt.

    Args:
        closed: the networks know the words of the face language and no others.
        keys: words for an expression set its keys; in an instruction they stay.
    """
    typed = " ".join(unicodedata.normalize("NFKC", text).replace("’", "'").split())
    english, language = translated(typed)
    rest, expression = taken(english) if keys else (english, {})
    told = paraphrased(rest) if closed else rest
    notes = []
    if told != typed:
        how = f", from {language}" if language != "English" else ""
        notes.append(f"Read as “{told}”{how}." if told else "Nothing of it is for the networks.")
    if expression:
        notes.append(f"The expression is set by keys, the face is made at rest: {', '.join(sorted(expression))}.")
    unknown = unknown_words(told) if closed else []
    notes += advice(told) if closed else [said_ for said_ in advice(told) if said_ in LACKING]
    return Heard(told, expression, tuple(unknown), tuple(notes))


def unknown_in(text: str) -> list[str]:
    """Words of a text that the starter networks do not know, after all that is read otherwise: for the panel."""
    return list(hear(text, closed=True).unknown)


def knows_nothing_of(text: str) -> bool:
    """Whether not one word of a text means anything to the starter networks."""
    words = set(said(text))
    return bool(words) and len(unknown_words(text)) == len(words)
