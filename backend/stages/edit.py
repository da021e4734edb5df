"""Instruction and face to a layer: InstructPix2Pix distillation, locked to a region (FaceG2E, sec. 3.3)."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray
from torch import Tensor

from ..diffusion.guidance import Condition, Guidance
from ..diffusion.schedules import linear
from ..face.mesh import Topology
from ..face.model import LinearFaceModel
from ..render.picture import Scene, Surface
from ..render.uv import unwrapped
from ..render.views import sample_setting
from ..settings import EditGeometrySettings, EditTextureSettings
from .geometry import clay_latents
from .optimise import Watch, optimise
from .texture import distil, shrink

REACH = 0.65  # head units an unnamed neighbourhood follows a shape edit, falling off smoothly


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


def texture_mask(topology: Topology, surface: Surface, region: tuple[str, ...], size: int) -> UInt8[ndarray, "S S"]:
    """(S, S) 255 where a texture edit is full, feathered inside the region; the whole skin where no region is named."""
    if region:
        weights = np.max([topology.region(name) for name in region], axis=0)
        drawn, covered = unwrapped(
            torch.from_numpy(weights)[:, None], surface.uvs, surface.faces, surface.uv_faces, size
        )
        mask = ((drawn[0] - 0.08) / 0.6).clamp(0, 1) * covered
    else:
        skin = torch.from_numpy(topology.part_faces("skin")).long()
        ones = torch.ones(len(topology.rest), 1)
        drawn, covered = unwrapped(ones, surface.uvs, surface.faces[skin], surface.uv_faces[skin], size)
        mask = covered.float()
    return (mask * 255).round().byte().numpy()


def shape_weights(topology: Topology, region: tuple[str, ...]) -> Float[ndarray, " V"]:
    """(V,) how far each vertex follows a shape edit: 1 in the region, 0 beyond REACH; 1 everywhere without."""
    if not region:
        return np.ones(len(topology.rest), np.float32)
    inside = topology.rest[np.max([topology.region(name) for name in region], axis=0) > 0.5]
    distance = np.concatenate(
        [np.linalg.norm(part[:, None] - inside[None], axis=2).min(axis=1) for part in np.array_split(topology.rest, 16)]
    )
    t = np.clip(1 - distance / REACH, 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def fixed_texels(topology: Topology, surface: Surface, size: int) -> Bool[Tensor, "S S"]:
    """Texels that no skin triangle covers: eyes, mouth and sockets keep what they are."""
    skin = torch.from_numpy(topology.part_faces("skin")).long()
    ones = torch.ones(len(topology.rest), 1)
    _, covered = unwrapped(ones, surface.uvs, surface.faces[skin], surface.uv_faces[skin], size)
    grown = torch.nn.functional.max_pool2d(covered[None].float(), 5, stride=1, padding=2)[0] > 0
    others = torch.from_numpy(topology.part_faces(*(p for p in topology.part_names if p != "skin"))).long()
    _, taken = unwrapped(ones, surface.uvs, surface.faces[others], surface.uv_faces[others], size)
    return ~grown | taken
