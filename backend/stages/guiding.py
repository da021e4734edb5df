"""What leads a stage: the guidance its settings ask for, and the words as the networks read them."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from ..diffusion.editing import EditDistillation
from ..diffusion.guidance import Condition, ScoreDistillation
from ..diffusion.model import Diffusion
from ..settings import EditGeometrySettings, EditTextureSettings, GeometrySettings, TextureSettings


def drawing(
    networks: Diffusion, settings: GeometrySettings | TextureSettings, prompt: str
) -> tuple[ScoreDistillation, Condition]:
    """For a stage that makes a face of a prompt."""
    guidance = ScoreDistillation(networks, settings.guidance_scale, settings.residual)
    return guidance, Condition(networks.encode_text([f"{settings.style} {prompt}", ""]))


def editing(
    networks: Diffusion, settings: EditGeometrySettings | EditTextureSettings, instruction: str
) -> tuple[EditDistillation, Float[Tensor, "2 L D"]]:
    """For a stage that changes a face as an instruction says."""
    guidance = EditDistillation(networks, settings.guidance_scale, settings.image_guidance_scale, settings.residual)
    return guidance, networks.encode_text([instruction, ""])
