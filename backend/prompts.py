"""From what is typed to what a stage says to the networks: understood, in the family's style, with words for each view.

Nothing here reaches a face but texts for the networks, and expression keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .checkpoints import FamilyProfile
from .errors import EmptyPrompt, UnknownWords, UsageError
from .language.heard import Heard, hear, knows_nothing_of
from .language.help import KNOWN

VIEWS = ("front view", "side view", "back view")  # of FaceG2E; each may have a negative text of its own


@dataclass(frozen=True)
class Prompt:
    """What a stage asks for.

    Attributes:
        subject: who or what, up to the first comma.
        style: the words before it, such as "a photo of".
        view: the words after it, by what is seen of the head (VIEWS); none where the family says nothing of views.
        attributes: what follows the subject, comma by comma.
        negative: what pictures are to be kept away from, by the same keys; "" where a view has none.
        plain: the negative of such a view, in the same style; "" leaves it empty.
    """

    subject: str
    style: str = ""
    view: Mapping[str, str] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    negative: Mapping[str, str] = field(default_factory=dict)
    plain: str = ""

    def said(self, view: str) -> tuple[str, str]:
        """The text of one of VIEWS, and its negative."""
        text = ", ".join([self.subject, *self.attributes])
        without = f"{self.style} {self.plain}".strip() if self.plain else ""
        return f"{self.style} {text}".strip() + self.view.get(view, ""), self.negative.get(view) or without

    def document(self) -> dict[str, Any]:
        """As `face.json` keeps it."""
        return asdict(self) | {"attributes": list(self.attributes)}


def phrased(
    text: str, family: FamilyProfile, stage: str, style: str = "", negatives: Mapping[str, str] | None = None
) -> Prompt:
    """The prompt of a stage.

    Args:
        stage: "geometry" or "texture".
        style: in place of the family's for that stage; "" leaves that.
        negatives: by view, in place of the family's.
    """
    subject, *attributes = (part.strip() for part in text.split(","))
    return Prompt(
        subject,
        style or family.styles[stage],
        family.views,
        tuple(part for part in attributes if part),
        family.negatives if negatives is None else negatives,
        family.plain.get(stage, ""),
    )


def understand(text: str, family: FamilyProfile) -> Heard:
    """A prompt or instruction in words of the family; "a person" where only an expression is asked for.

    Raises:
        EmptyPrompt: there are no words.
        UnknownWords: the family knows none of them, with what it does know.
    """
    heard = hear(text, family.closed)
    if not heard.text and heard.expression:
        return replace(heard, text="a person")
    if not any(letter.isalnum() for letter in heard.text):
        raise EmptyPrompt("there are no words", advice='say what is wanted, such as "an old man with a long nose"')
    if family.closed and knows_nothing_of(heard.text):
        raise UnknownWords(
            f"the {family.name} family knows none of these words: {', '.join(heard.unknown) or heard.text}",
            advice=f"it knows words such as {KNOWN}; docs/language.md lists them all",
        )
    return heard


def negatives_of(given: tuple[str, ...], family: FamilyProfile) -> dict[str, str]:
    """What was given as `--negative` over the family's own: "front view=TEXT" is for one view, TEXT for all.

    Raises:
        UsageError: a view that there is not.
    """
    found = {view: family.negatives.get(view, "") for view in VIEWS}
    for words in given:
        view, equals, text = words.partition("=")
        if equals and view.strip() not in VIEWS:
            raise UsageError(f"there is no view {view.strip()!r}", advice=f"there are {', '.join(VIEWS)}")
        told = hear(text if equals else words, family.closed).text
        found |= {view.strip(): told} if equals else dict.fromkeys(VIEWS, told)
    return found


def fitted(prompt: Prompt, count: Callable[[str], int], limit: int) -> tuple[Prompt, str]:
    """The prompt without its last words where it is too long in any view, and those words.

    Args:
        count: how many tokens a text takes, begin and end included.
        limit: how many the text encoder reads.
    """
    cut: list[str] = []
    while max(count(prompt.said(view)[0]) for view in VIEWS) > limit:
        *kept, last = prompt.attributes or (prompt.subject,)
        words = last.split()
        if not words:
            break
        cut.insert(0, words[-1])
        rest = " ".join(words[:-1])
        if prompt.attributes:
            prompt = replace(prompt, attributes=(*kept, rest) if rest else tuple(kept))
        else:
            prompt = replace(prompt, subject=rest)
    return prompt, " ".join(cut)
