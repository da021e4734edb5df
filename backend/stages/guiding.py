"""What leads a stage: the guidance its settings ask for, and the words as the networks read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.editing import EditDistillation
from ..diffusion.guidance import Condition, ScoreDistillation
from ..diffusion.model import Diffusion
from ..render.camera import Cameras
from ..render.views import released_view_words
from ..settings import EditGeometrySettings, EditTextureSettings, GeometrySettings, TextureSettings

Wanted = Callable[[Cameras], Condition]  # what is asked of pictures from there


@runtime_checkable
class Wording(Protocol):
    """A prompt: its text and negative text for "front view", "side view" and "back view"."""

    def said(self, view: str) -> tuple[str, str]: ...


def drawing(
    networks: Diffusion, settings: GeometrySettings | TextureSettings, prompt: Wording
) -> tuple[ScoreDistillation, Wanted]:
    """For a stage that makes a face of a prompt."""
    guidance = ScoreDistillation(networks, settings.guidance_scale, settings.residual)
    views = [released_view_words(azimuth) for azimuth in (0.0, 90.0, 180.0)]
    texts = {view: prompt.said(view) for view in views}
    read = {text: networks.encode_text(list(text)) for text in dict.fromkeys(texts.values())}

    def wanted(cameras: Cameras) -> Condition:
        each = [read[texts[released_view_words(float(azimuth))]] for azimuth in cameras.azimuth]
        return Condition(each[0] if len(read) == 1 else torch.stack(each, dim=1))

    return guidance, wanted


def editing(
    networks: Diffusion, settings: EditGeometrySettings | EditTextureSettings, instruction: str
) -> tuple[EditDistillation, Float[Tensor, "2 L D"]]:
    """For a stage that changes a face as an instruction says."""
    guidance = EditDistillation(networks, settings.guidance_scale, settings.image_guidance_scale, settings.residual)
    return guidance, networks.encode_text([instruction, ""])
