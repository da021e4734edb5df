"""Instruction and face to a layer: InstructPix2Pix distillation, locked to a region (FaceG2E, sec. 3.3)."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..diffusion.guidance import Condition, Guidance
from ..diffusion.schedules import linear
from ..face.model import LinearFaceModel
from ..render.picture import Scene, Surface
from ..render.views import sample_setting
from ..settings import EditGeometrySettings, EditTextureSettings
from .geometry import clay_latents
from .optimise import Watch, optimise
from .texture import distil, shrink


def edit_texture(
    surface: Surface,
    vertices: Float[Tensor, "1 V 3"],
    albedo: Float[Tensor, "1 3 S S"],
    fixed: Bool[Tensor, "256 256"],
    guidance: Guidance,
    text: Float[Tensor, "2 L D"],
    settings: EditTextureSettings,
    seed: int,
    watch: Watch,
) -> Float[Tensor, "1 3 S S"]:
    """The albedo as an instruction wants it, before any lock: each step shows old and new in one view and light.

    Args:
        text: embeddings of the instruction and of the negative text.
    """
    old = shrink(albedo)

    def condition_of(scene: Scene) -> Condition:
        with torch.no_grad():
            return Condition(text, original=guidance.model.encode(scene.textured(old)))

    return distil(surface, vertices, albedo, fixed, guidance, condition_of, settings, seed, watch)


def edit_geometry(
    model: LinearFaceModel,
    surface: Surface,
    vertices: Float[Tensor, "1 V 3"],
    weights: Float[Tensor, " V"],
    guidance: Guidance,
    text: Float[Tensor, "2 L D"],
    settings: EditGeometrySettings,
    seed: int,
    watch: Watch,
) -> Float[Tensor, "V 3"]:
    """Offsets in head units, before the weights: a move along the identity basis, seen through the weights."""
    generator = torch.Generator().manual_seed(seed)
    move = torch.zeros(1, model.identity_size, requires_grad=True)

    def loss(step: int) -> Tensor:
        setting = sample_setting(settings.views, generator, settings.azimuth, settings.elevation)
        offsets = (move @ model.identity_basis).view(1, -1, 3) * weights[:, None]
        latents = clay_latents(guidance, surface, vertices + offsets, setting, settings.antialias)
        with torch.no_grad():
            before = clay_latents(guidance, surface, vertices, setting, settings.antialias)
        timestep = linear(
            step, settings.steps, settings.views, generator, settings.first_timestep, settings.last_timestep
        )
        condition = Condition(text, original=before, anchor=before if settings.anchored else None)
        distilled = guidance.loss(latents, timestep, generator, condition)
        return distilled + settings.prior_weight * move.square().mean()

    optimise([move], loss, settings.steps, settings.learning_rate, watch)
    return (move.detach() @ model.identity_basis).view(-1, 3)
