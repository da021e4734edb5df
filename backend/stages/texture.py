"""Prompt and shape to albedo: score distillation on lit, textured renders (FaceG2E, sec. 3.2, no prior yet)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..diffusion.guidance import Condition, Guidance
from ..diffusion.schedules import linear
from ..render.camera import Cameras
from ..render.light import display_light
from ..render.picture import Scene, Surface, look
from ..render.uv import unwrapped
from ..render.views import sample_setting
from ..settings import EditTextureSettings, TextureSettings
from .optimise import Watch, optimise

PICTURE = 128
TEXTURE = 256  # what is optimised; the change is then added to the full-size albedo
LEVELS = (8, 16, 32, 64, 128, 256)
FINE = 3  # levels beyond this one are kept small by the smoothness weight
DARKEST = 0.02  # the albedo is optimised as a logit, which ends short of black and white


@dataclass(frozen=True)
class Pyramid:
    """A change of albedo as logits at several sizes: coarse levels carry colour into what few pixels see."""

    base: Float[Tensor, "1 3 S S"]
    levels: list[Float[Tensor, "1 3 _ _"]]
    fixed: Bool[Tensor, "S S"]

    @classmethod
    def over(cls, albedo: Float[Tensor, "1 3 S S"], fixed: Bool[Tensor, "S S"]) -> Pyramid:
        """No change yet; texels of `fixed` (eyes, mouth) never change."""
        logit = torch.logit(albedo.clamp(DARKEST, 1 - DARKEST))
        return cls(logit, [torch.zeros(1, 3, size, size, requires_grad=True) for size in LEVELS], fixed)

    def albedo(self) -> Float[Tensor, "1 3 S S"]:
        size = self.base.shape[-1]
        change = torch.zeros_like(self.base)
        for level in self.levels:
            change = change + torch.nn.functional.interpolate(level, (size, size), mode="bilinear", align_corners=False)
        return torch.sigmoid(self.base + change.masked_fill(self.fixed, 0))

    def change(self) -> Float[Tensor, ""]:
        """Mean square of the coarser levels, in logits."""
        return torch.stack([level.square().mean() for level in self.levels[:FINE]]).sum()

    def roughness(self) -> Float[Tensor, ""]:
        return torch.stack([level.square().mean() for level in self.levels[FINE:]]).sum()


def shrink(albedo: Float[Tensor, "1 3 S S"]) -> Float[Tensor, "1 3 256 256"]:
    return torch.nn.functional.interpolate(albedo, (TEXTURE, TEXTURE), mode="area")


def distil(
    surface: Surface,
    vertices: Float[Tensor, "1 V 3"],
    albedo: Float[Tensor, "1 3 S S"],
    fixed: Bool[Tensor, "256 256"],
    guidance: Guidance,
    condition_of: Callable[[Scene], Condition],
    settings: TextureSettings | EditTextureSettings,
    seed: int,
    watch: Watch,
) -> Float[Tensor, "1 3 S S"]:
    """The albedo, changed as the guidance wants it under `condition_of` each step's view and light."""
    generator = torch.Generator().manual_seed(seed)
    start = Pyramid.over(shrink(albedo), fixed)
    with torch.no_grad():
        before = start.albedo()

    def loss(step: int) -> Tensor:
        setting = sample_setting(settings.views, generator, settings.azimuth, settings.elevation)
        scene = look(surface, vertices, *setting, PICTURE)
        latents = guidance.model.encode(scene.textured(start.albedo()))
        timestep = linear(
            step, settings.steps, settings.views, generator, settings.first_timestep, settings.last_timestep
        )
        condition = condition_of(scene)
        if settings.anchored:
            original = condition.original
            anchor = guidance.model.encode(scene.textured(before)) if original is None else original
            condition = replace(condition, anchor=anchor)
        distilled = guidance.loss(latents, timestep, generator, condition)
        held = settings.prior_weight * start.change() + settings.smoothness_weight * start.roughness()
        return distilled + held

    optimise(start.levels, loss, settings.steps, settings.learning_rate, watch)
    with torch.no_grad():
        change = start.albedo() - before
        seen = visibility(surface, vertices, settings.azimuth) * (~fixed)
        change = filled(change, seen[None, None]).masked_fill(fixed, 0)
        size = albedo.shape[-1]
        change = torch.nn.functional.interpolate(change, (size, size), mode="bilinear", align_corners=False)
        return (albedo + change * 1.0).clamp(0, 1)


def visibility(surface: Surface, vertices: Float[Tensor, "1 V 3"], azimuth: float) -> Float[Tensor, "256 256"]:
    """How much of each texel the stage's views saw, 0..1: a texel only grazed counts little."""
    angles = torch.tensor([-azimuth, 0.0, azimuth])
    scene = look(surface, vertices, Cameras(angles, torch.zeros(3)), display_light(), 2 * PICTURE)
    corners = surface.faces.long()[scene.hits.face]
    pixels = torch.zeros(vertices.shape[1]).index_add(0, corners.flatten(), torch.ones(corners.numel()))
    areas = torch.zeros(vertices.shape[1])
    a, b, c = vertices[0][surface.faces.long()].unbind(1)
    area = torch.linalg.cross(b - a, c - a).norm(dim=1)
    areas = areas.index_add(0, surface.faces.long().flatten(), area.repeat_interleave(3))
    density = pixels / areas.clamp(min=1e-9)
    full = density[density > 0].quantile(0.6)
    drawn, _ = unwrapped((density / full).clamp(0, 1)[:, None], surface.uvs, surface.faces, surface.uv_faces, TEXTURE)
    return drawn[0]


def filled(values: Float[Tensor, "1 C S S"], weight: Float[Tensor, "1 1 S S"]) -> Float[Tensor, "1 C S S"]:
    """Values where the weight is 1, elsewhere blended with averages of ever larger neighbourhoods (pull-push)."""
    if values.shape[-1] <= 2:
        return (values * weight).sum((2, 3), keepdim=True).expand_as(values) / weight.sum().clamp(min=1e-9)
    smaller_weight = torch.nn.functional.avg_pool2d(weight, 2)
    smaller = torch.nn.functional.avg_pool2d(values * weight, 2) / smaller_weight.clamp(min=1e-9)
    below = filled(smaller, smaller_weight.clamp(max=0.25) * 4)
    below = torch.nn.functional.interpolate(below, values.shape[2:], mode="bilinear", align_corners=False)
    return values * weight + below * (1 - weight)
