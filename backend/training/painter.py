"""Paints albedo textures in UV from a `Look`: skin, brows, eyes, lips, make-up, beard. Deterministic by seed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..face.mesh import Topology
from ..render.picture import Surface
from ..render.uv import pad_seams, unwrapped
from ..language import BEARD, NATURAL_SKIN, PAINT, SKIN, Look

IRISES = ((70, 46, 28), (96, 70, 40), (74, 104, 140), (70, 112, 84), (96, 104, 112))
HAIRS = ((36, 30, 28), (70, 48, 32), (120, 88, 52), (150, 146, 140))
IRIS_RADIUS = 0.40  # of the eye's island, where the package's eyeball is seen from the front
PUPIL_RADIUS = 0.16


@dataclass(frozen=True)
class Canvas:
    """What the painter knows of a head's UV square at one size: regions, places, parts, cover."""

    size: int
    covered: Bool[Tensor, "S S"]
    regions: dict[str, Float[Tensor, "S S"]]
    parts: dict[str, Bool[Tensor, "S S"]]
    position: Float[Tensor, "3 S S"]
    eye_radius: Float[Tensor, "S S"]

    @classmethod
    def of(cls, topology: Topology, size: int) -> Canvas:
        surface = Surface.of(topology)
        weights = torch.from_numpy(topology.region_weights)
        values = torch.cat([torch.from_numpy(topology.rest), weights.T], dim=1)
        drawn, covered = unwrapped(values, surface.uvs, surface.faces, surface.uv_faces, size)
        parts, radius = {}, torch.full((size, size), 9.0)
        step = (torch.arange(size) + 0.5) / size
        for name in topology.part_names:
            mine = torch.from_numpy(topology.part_faces(name)).long()
            _, parts[name] = unwrapped(values[:, :1], surface.uvs, surface.faces[mine], surface.uv_faces[mine], size)
            if name.endswith("_eye"):
                corners = surface.uvs[surface.uv_faces[mine].long().flatten()]
                low, high = corners.amin(0), corners.amax(0)
                across = (step - (low[0] + high[0]) / 2) / (high[0] - low[0]) * 2
                down = (1 - step - (low[1] + high[1]) / 2) / (high[1] - low[1]) * 2
                radius = torch.minimum(radius, torch.hypot(across[None, :], down[:, None]))
        regions = dict(zip(topology.region_names, drawn[3:], strict=True))
        return cls(size, covered, regions, parts, drawn[:3], radius)


def paint(canvas: Canvas, look: Look) -> Float[Tensor, "1 3 S S"]:
    """The albedo of a look, sRGB 0..1, seams padded."""
    generator = torch.Generator().manual_seed(look.seed)
    skin = _skin_colour(look)
    coarse, fine = _noise(canvas.size, 12, generator), _noise(canvas.size, canvas.size // 4, generator)
    albedo = skin * (1 + 0.035 * coarse + 0.02 * fine)
    flush = sum(canvas.regions[name] for name in ("left_cheek", "right_cheek", "nose", "left_ear", "right_ear"))
    if look.skin != "green":
        albedo = albedo * (1 - torch.as_tensor(flush).clamp(0, 1) * _rgb((6, 22, 20)) * 0.9)
    hair = _pick(HAIRS, generator)
    brows = (canvas.regions["left_brow"] + canvas.regions["right_brow"]).clamp(0, 1)
    albedo = _over(albedo, hair * (1 + 0.15 * fine), brows * 0.85)
    lips = canvas.regions["lips"]
    natural = skin * _rgb((218, 150, 148)) * 1.12
    albedo = _over(albedo, _rgb(PAINT[look.lips]) if look.lips else natural, lips * (0.95 if look.lips else 0.8))
    if look.beard:
        grain = (0.92 + 0.12 * fine).clamp(0, 1)
        albedo = _over(albedo, _rgb(BEARD[look.beard]) * (1 + 0.12 * fine), canvas.regions["beard"] * grain * 0.95)
    if look.mask:
        around = canvas.regions["eye_mask"]
        albedo = _over(albedo, _rgb(PAINT[look.mask]) * (1 + 0.03 * coarse), (around * 1.6 - 0.3).clamp(0, 1))
    albedo = _paint_inside(albedo, canvas, skin)
    albedo = _paint_eyes(albedo, canvas, _pick(IRISES, generator))
    return pad_seams(albedo.clamp(0, 1), canvas.covered, 6)[None]


def _skin_colour(look: Look) -> Float[Tensor, "3 1 1"]:
    if look.skin:
        return _rgb(SKIN[look.skin])
    light, tanned = (_rgb(colour) for colour in NATURAL_SKIN)
    return light + (tanned - light) * look.tone


def _paint_inside(albedo: Tensor, canvas: Canvas, skin: Tensor) -> Tensor:
    """Mouth and tongue, and the sockets behind the lids."""
    sockets = canvas.parts["left_socket"] | canvas.parts["right_socket"]
    albedo = torch.where(sockets, skin * _rgb((205, 165, 160)), albedo)
    mouth = _over(_rgb((110, 42, 44)).expand_as(albedo), albedo, canvas.regions["lips"])
    albedo = torch.where(canvas.parts["mouth"], mouth, albedo)
    return torch.where(canvas.parts["tongue"], _rgb((178, 88, 90)), albedo)


def _paint_eyes(albedo: Tensor, canvas: Canvas, iris: Tensor) -> Tensor:
    radius = canvas.eye_radius
    soft = 3.0 / canvas.size / 0.132  # a texel and a half of the eye's island
    white = _rgb((232, 226, 220)) * (1 - 0.10 * (radius - IRIS_RADIUS).clamp(0, 1))
    ring = ((radius - IRIS_RADIUS) / soft + 0.5).clamp(0, 1)
    limbus = iris * (1 - 0.45 * ((radius - IRIS_RADIUS + 0.10) / 0.10).clamp(0, 1))
    eye = _over(limbus.expand_as(albedo), white, ring)
    eye = _over(eye, _rgb((12, 11, 12)), ((PUPIL_RADIUS - radius) / soft + 0.5).clamp(0, 1))
    return torch.where(canvas.parts["left_eye"] | canvas.parts["right_eye"], eye, albedo)


def _rgb(colour: tuple[int, int, int]) -> Float[Tensor, "3 1 1"]:
    return torch.tensor(colour).view(3, 1, 1) / 255


def _over(below: Tensor, colour: Tensor, alpha: Tensor) -> Tensor:
    return below + (colour - below) * alpha


def _pick(colours: tuple[tuple[int, int, int], ...], generator: torch.Generator) -> Float[Tensor, "3 1 1"]:
    return _rgb(colours[int(torch.randint(len(colours), (1,), generator=generator))])


def _noise(size: int, cells: int, generator: torch.Generator) -> Float[Tensor, "1 S S"]:
    """Smooth noise, unit deviation, with about `cells` bumps across."""
    grid = torch.randn(1, 1, cells, cells, generator=generator)
    return torch.nn.functional.interpolate(grid, (size, size), mode="bicubic", align_corners=False)[0]
