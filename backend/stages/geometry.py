"""Prompt to shape: score distillation on textureless renders moves identity coefficients (FaceG2E, sec. 3.1)."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.guidance import Guidance
from ..face.model import LinearFaceModel
from ..render.camera import Cameras
from ..render.light import display_light
from ..render.picture import Surface, look
from ..settings import GeometrySettings
from .guiding import Wanted, compares, timestep_of
from .optimise import Watch, optimise
from .seeing import PREVIEW, looker

PREVIEW_AZIMUTH = 20.0  # degrees


def generate(
    model: LinearFaceModel,
    surface: Surface,
    guidance: Guidance,
    wanted: Wanted,
    settings: GeometrySettings,
    seed: int,
    watch: Watch,
    albedo: Float[Tensor, "1 3 S S"] | None = None,
) -> Float[Tensor, "1 I"]:
    """Identity coefficients, in standard deviations, of a head as the networks want it.

    Args:
        albedo: what textured pictures wear, where the settings ask for any.
    """
    generator = torch.Generator().manual_seed(seed)
    free = torch.zeros(1, model.identity_size, requires_grad=True)
    mean = model.vertices()
    draw = looker(guidance, surface, settings, generator)

    def loss(step: int) -> Tensor:
        seen = draw()
        kind = kind_of(settings.pictures, generator)
        identity = within(free, settings.reach)
        latents = seen.latents(seen.at(model.vertices(identity=identity)), kind, albedo)
        condition = wanted(seen.setting[0])
        if compares(settings):
            condition = replace(condition, anchor=seen.latents(seen.at(mean), kind, albedo))
        distilled = guidance.loss(latents, timestep_of(settings, step, generator), generator, condition)
        return settings.weight * distilled + settings.prior_weight * identity.square().mean()

    def picture() -> Tensor:
        with torch.no_grad():
            head = model.vertices(identity=within(free, settings.reach))
            camera = Cameras(torch.tensor([PREVIEW_AZIMUTH]), torch.zeros(1))
            return look(surface, head, camera, display_light(), PREVIEW).textureless()

    optimise([free], loss, settings, generator, watch, picture)
    return within(free, settings.reach).detach()


def kind_of(pictures: str, generator: torch.Generator) -> str:
    """One of the kinds between the commas, each as likely."""
    kinds = pictures.split(",")
    return kinds[int(torch.randint(len(kinds), (), generator=generator))] if len(kinds) > 1 else kinds[0]


def within(free: Float[Tensor, "1 I"], reach: float) -> Float[Tensor, "1 I"]:
    """Coefficients as they are pushed while small, and nowhere farther than `reach` from the mean head; 0 sets none."""
    return free / (1 + (free / reach).square().sum()).sqrt() if reach else free
