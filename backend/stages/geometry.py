"""Prompt to shape: score distillation on textureless renders moves identity coefficients (FaceG2E, sec. 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.guidance import Guidance
from ..face.model import LinearFaceModel
from ..render.camera import Cameras
from ..render.light import display_light
from ..render.picture import Surface, look
from ..settings import GeometrySettings
from .displacement import Displacement
from .guiding import Wanted, compares, timestep_of
from .optimise import Watch, optimise
from .seeing import PREVIEW, looker

PREVIEW_AZIMUTH = 20.0  # degrees


@dataclass(frozen=True)
class Shape:
    """A head that was made.

    Attributes:
        identity: in standard deviations.
        offsets: head units beyond it; None where nothing was to stand off.
    """

    identity: Float[Tensor, "1 I"]
    vertices: Float[Tensor, "1 V 3"]
    offsets: Float[Tensor, "1 V 3"] | None


def generate(
    model: LinearFaceModel,
    surface: Surface,
    guidance: Guidance,
    wanted: Wanted,
    settings: GeometrySettings,
    seed: int,
    watch: Watch,
    albedo: Float[Tensor, "1 3 S S"] | None = None,
) -> Shape:
    """The head as the networks want it.

    Args:
        albedo: what textured pictures wear, where the settings ask for any.
    """
    generator = torch.Generator().manual_seed(seed)
    free = torch.zeros(1, model.identity_size, requires_grad=True)
    detail = Displacement.none(model.topology, settings.displacement) if settings.displacement else None
    mean = model.vertices()
    draw = looker(guidance, surface, settings, generator)

    def shape(identity: Float[Tensor, "1 I"], detailed: bool = True) -> Shape:
        head = model.vertices(identity=identity)
        if detail is None or not detailed:
            return Shape(identity, head, None)
        offsets = detail.offsets(head, surface.faces)
        return Shape(identity, head + offsets, offsets)

    def loss(step: int) -> Tensor:
        seen = draw()
        kind = kind_of(settings.pictures, generator)
        found = shape(within(free, settings.reach), step >= settings.displacement_from * settings.steps)
        latents = seen.latents(seen.at(found.vertices), kind, albedo)
        condition = wanted(seen.setting[0])
        if compares(settings):
            condition = replace(condition, anchor=seen.latents(seen.at(mean), kind, albedo))
        distilled = guidance.loss(latents, timestep_of(settings, step, generator), generator, condition)
        held = settings.prior_weight * found.identity.square().mean()
        if detail is not None and found.offsets is not None:
            held = held + settings.displacement_prior * detail.roughness()
        return settings.weight * distilled + held

    @torch.no_grad()
    def picture() -> Tensor:
        camera = Cameras(torch.tensor([PREVIEW_AZIMUTH]), torch.zeros(1))
        head = shape(within(free, settings.reach)).vertices
        return look(surface, head, camera, display_light(), PREVIEW).textureless()

    optimise([free] if detail is None else [free, detail.heights], loss, settings, generator, watch, picture)
    with torch.no_grad():
        return shape(within(free, settings.reach).detach())


def kind_of(pictures: str, generator: torch.Generator) -> str:
    """One of the kinds between the commas, each as likely."""
    kinds = pictures.split(",")
    return kinds[int(torch.randint(len(kinds), (), generator=generator))] if len(kinds) > 1 else kinds[0]


def within(free: Float[Tensor, "1 I"], reach: float) -> Float[Tensor, "1 I"]:
    """Coefficients as they are pushed while small, and nowhere farther than `reach` from the mean head; 0 sets none."""
    return free / (1 + (free / reach).square().sum()).sqrt() if reach else free
