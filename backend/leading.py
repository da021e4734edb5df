"""What leads an edit: which networks are asked, what they are told, and the words whose attention can be followed."""

from __future__ import annotations

from dataclasses import dataclass

from .afterwards import SOMEBODY, afterwards
from .diffusion.guidance import Condition, Distillation
from .errors import UsageError
from .prompts import fitted, phrased, understand
from .settings import EditGeometrySettings, EditTextureSettings
from .stages import guiding
from .workshop import Workshop

ROLES = {"sds": "instruct-edit", "dds": "text-to-image", "pds": "text-to-image"}  # that a guidance asks


@dataclass(frozen=True)
class Lead:
    """A guidance and what is asked of it.

    Attributes:
        text: what its networks are told, whose words can be followed.
    """

    guidance: Distillation
    wanted: Condition
    text: str


def lead(shop: Workshop, settings: EditGeometrySettings | EditTextureSettings, instruction: str) -> Lead:
    """By the instruction, or from a description of the face before to one of it afterwards, as the settings have it.

    Raises:
        UsageError: nobody says what the face looks like afterwards.
        EmptyPrompt, UnknownWords: the family can make nothing of what is said.
    """
    if settings.guidance == "sds":
        guidance, wanted = guiding.editing(shop.edit, settings, instruction)
        return Lead(guidance, wanted, instruction)
    after = settings.after or afterwards(instruction)
    if after is None:
        raise UsageError(
            f"{instruction!r}: it is not clear what the face looks like afterwards",
            advice=f'say it with --set {settings.stage}.after="a person with ..."; guidance=sds follows instructions',
        )
    drawn = settings.stage.removeprefix("edit_")
    texts = []
    for text in (settings.before or SOMEBODY, after):
        prompt = phrased(understand(text, shop.family).text, shop.family, drawn)
        texts.append(fitted(prompt, shop.draw.count_tokens, shop.draw.longest_text)[0].said(""))
    (before, _), (wanted_text, negative) = texts
    guidance, wanted = guiding.between(shop.draw, settings, before, wanted_text, negative)
    return Lead(guidance, wanted, wanted_text)
