"""Prompt to shape: score distillation on grey renders moves identity coefficients (FaceG2E, sec. 3.1)."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.guidance import Guidance
from ..diffusion.schedules import linear
from ..face.model import LinearFaceModel
from ..render.picture import Surface, look
from ..render.views import Setting, sample_setting
from ..settings import GeometrySettings
from .guiding import Wanted
from .optimise import Watch, optimise

PICTURE = 128  # the starter family's native render


def generate(
    model: LinearFaceModel,
    surface: Surface,
    guidance: Guidance,
    wanted: Wanted,
    settings: GeometrySettings,
    seed: int,
    watch: Watch,
) -> Float[Tensor, "1 I"]:
    """Identity coefficients, in standard deviations, of a head as the networks want it."""
    generator = torch.Generator().manual_seed(seed)
    identity = torch.zeros(1, model.identity_size, requires_grad=True)
    mean = model.vertices()

    def loss(step: int) -> Tensor:
        setting = sample_setting(settings.views, generator, settings.azimuth, settings.elevation)
        head = model.vertices(identity=identity)
        latents = clay_latents(guidance, surface, head, setting, settings.antialias)
        condition = wanted(setting[0])
        if settings.anchored:
            condition = replace(condition, anchor=clay_latents(guidance, surface, mean, setting, settings.antialias))
        timestep = linear(
            step, settings.steps, settings.views, generator, settings.first_timestep, settings.last_timestep
        )
        distilled = guidance.loss(latents, timestep, generator, condition)
        return distilled + settings.prior_weight * identity.square().mean()

    optimise([identity], loss, settings.steps, settings.learning_rate, watch)
    return identity.detach()


def clay_latents(
    guidance: Guidance, surface: Surface, head: Float[Tensor, "1 V 3"], setting: Setting, antialias: bool
) -> Float[Tensor, "B C h w"]:
    """What the networks make of grey renders of a head."""
    return guidance.model.encode(look(surface, head, *setting, PICTURE, antialias=antialias).textureless())
