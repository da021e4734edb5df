"""Prompt and shape to albedo: score distillation on lit, textured renders and on the texture itself (FaceG2E, 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..diffusion.guidance import Condition, Guidance
from ..render.camera import Cameras
from ..render.closeup import Closeup
from ..render.light import display_light
from ..render.picture import Scene, Surface, look
from ..render.uv import pad_seams, unwrapped
from ..settings.stages import PaintSettings
from .evenness import Evenness
from .guiding import Prior, compares, timestep_of
from .keeping import Keeping
from .optimise import Watch, optimise
from .paint import LatentTexture, Paint, Pyramid, paint_of
from .seeing import PREVIEW, Look, looker

COUNTED = 256  # pixels a side of the pictures in which is counted what the views see
PREVIEW_AZIMUTH = 20.0  # degrees
NORMAL_BEHIND = (0.25, 0.25, 0.5)  # what FaceG2E shows a normal ControlNet where no head is


def shrink(albedo: Float[Tensor, "1 3 S S"], size: int) -> Float[Tensor, "1 3 T T"]:
    """What is optimised of an albedo, `size` texels a side."""
    return torch.nn.functional.interpolate(albedo, (size, size), mode="area")


@dataclass(frozen=True)
class Leads:
    """What a texture is led by beside the guidance of its renders; nothing, where they are left out."""

    priors: Sequence[Prior] = ()
    evenness: Evenness | None = None
    keeping: Keeping | None = None
    closeup: Closeup | None = None


def distil(
    surface: Surface,
    vertices: Float[Tensor, "1 V 3"],
    albedo: Float[Tensor, "1 3 S S"],
    fixed: Bool[Tensor, "T T"],
    guidance: Guidance,
    condition_of: Callable[[Look, Scene], Condition],
    settings: PaintSettings,
    seed: int,
    watch: Watch,
    leads: Leads = Leads(),
) -> Float[Tensor, "1 3 S S"]:
    """The albedo, changed as the guidance wants it under `condition_of` each step's view and light.

    Args:
        fixed: texels that stay; as many a side are optimised.
    """
    generator = torch.Generator().manual_seed(seed)
    paint = paint_of(settings, shrink(albedo, len(fixed)), fixed, guidance, generator)
    with torch.no_grad():
        before, start = paint.albedo(), [parameter.detach().clone() for parameter in paint.parameters]
    draw = looker(guidance, surface, settings, generator, leads.closeup)

    def loss(step: int) -> Tensor:
        seen = draw()
        in_latents = isinstance(paint, LatentTexture) and step < settings.latent_steps
        worn = paint.latents if isinstance(paint, LatentTexture) and in_latents else paint.albedo()
        scene = seen.at(vertices, seen.stretched // guidance.model.reduction) if in_latents else seen.at(vertices)
        latents = scene.unlit(worn) if in_latents else seen.latents(scene, "textured", worn)
        condition = controlled(condition_of(seen, scene), seen, scene, vertices, guidance, settings)
        if compares(settings) and condition.original is not None:
            condition = replace(condition, anchor=condition.original)
        elif compares(settings):
            anchor = scene.unlit(start[0]) if in_latents else seen.latents(scene, "textured", before)
            condition = replace(condition, anchor=anchor)
        timestep = timestep_of(settings, step, generator)
        distilled = guidance.loss(latents, timestep, generator, condition)
        found = settings.weight * distilled + paint.held(settings)
        for prior in leads.priors:
            found = found + prior.loss(worn, step, timestep[:1], generator)
        if leads.evenness and not in_latents:
            found = found + leads.evenness.loss(worn, settings)
        if leads.keeping:
            leads.keeping.look(seen.setting[0], latents)
            found = found + (0.0 if in_latents else leads.keeping.texture_loss(worn, before))
        return found

    def picture() -> Tensor:
        with torch.no_grad():
            camera = Cameras(torch.tensor([PREVIEW_AZIMUTH]), torch.zeros(1))
            return look(surface, vertices, camera, display_light(), PREVIEW).textured(paint.albedo())

    optimise(paint.parameters, loss, settings, generator, watch, picture, leads.keeping)
    with torch.no_grad():
        return finished(paint, before, albedo, surface, vertices, fixed, settings)


def controlled(
    condition: Condition,
    seen: Look,
    scene: Scene,
    vertices: Float[Tensor, "1 V 3"],
    guidance: Guidance,
    settings: PaintSettings,
) -> Condition:
    """The condition with what a ControlNet is to follow, in the same view, where the networks have one."""
    scale = settings.depth_scale
    if not scale or getattr(guidance.model, "controlnet", None) is None:
        return condition
    with torch.no_grad():
        whole = scene if seen.size == seen.stretched == scene.hits.size[1] else seen.at(vertices, seen.stretched)
        if settings.control == "normal":
            behind = torch.tensor(NORMAL_BEHIND).view(1, 3, 1, 1)
            shown = whole.normal_map(of_camera=settings.near_bright, background=behind)
        else:
            shown = whole.depth(near_bright=settings.near_bright)
    return replace(condition, depth=shown, depth_strength=scale)


def finished(
    paint: Paint,
    before: Float[Tensor, "1 3 T T"],
    albedo: Float[Tensor, "1 3 S S"],
    surface: Surface,
    vertices: Float[Tensor, "1 V 3"],
    fixed: Bool[Tensor, "T T"],
    settings: PaintSettings,
) -> Float[Tensor, "1 3 S S"]:
    """The full-size albedo of what was painted.

    A pyramid's change is continued into what no view saw and added to the albedo, whose detail stays. Of latents and
    texels the whole texture is taken, its islands grown over their borders.
    """
    size, side = albedo.shape[-1], len(fixed)
    if isinstance(paint, Pyramid):
        change = paint.albedo() - before
        seen = visibility(surface, vertices, settings.azimuth, side) * (~fixed)
        change = filled(change, seen[None, None]).masked_fill(fixed, 0)
        change = torch.nn.functional.interpolate(change, (size, size), mode="bilinear", align_corners=False)
        return (albedo + change * 1.0).clamp(0, 1)
    _, covered = unwrapped(vertices[0], surface.uvs, surface.faces, surface.uv_faces, side)
    grown = pad_seams(paint.albedo()[0], covered, side // 64)[None]
    large = torch.nn.functional.interpolate(grown, (size, size), mode="bilinear", align_corners=False)
    kept = torch.nn.functional.interpolate(fixed[None, None].float(), (size, size))[0, 0] > 0
    return torch.where(kept, albedo, large).clamp(0, 1)


def visibility(surface: Surface, vertices: Float[Tensor, "1 V 3"], azimuth: float, size: int) -> Float[Tensor, "S S"]:
    """How much of each texel the stage's views saw, 0..1: a texel only grazed counts little."""
    angles = torch.tensor([-azimuth, 0.0, azimuth])
    scene = look(surface, vertices, Cameras(angles, torch.zeros(3)), display_light(), COUNTED)
    corners = surface.faces.long()[scene.hits.face]
    pixels = torch.zeros(vertices.shape[1]).index_add(0, corners.flatten(), torch.ones(corners.numel()))
    areas = torch.zeros(vertices.shape[1])
    a, b, c = vertices[0][surface.faces.long()].unbind(1)
    area = torch.linalg.cross(b - a, c - a).norm(dim=1)
    areas = areas.index_add(0, surface.faces.long().flatten(), area.repeat_interleave(3))
    density = pixels / areas.clamp(min=1e-9)
    full = density[density > 0].quantile(0.6)
    drawn, _ = unwrapped((density / full).clamp(0, 1)[:, None], surface.uvs, surface.faces, surface.uv_faces, size)
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
