"""Paints albedo textures in UV from a `Look`: skin, brows, eyes, lips, make-up, beard. Deterministic by seed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..face.mesh import Topology
from ..language import HAIR, NATURAL_SKIN, PAINT, SKIN, Look
from ..render.picture import Surface
from ..render.uv import pad_seams, unwrapped

IRISES = ((70, 46, 28), (96, 70, 40), (74, 104, 140), (70, 112, 84), (96, 104, 112))
NATURAL_HAIRS = ((36, 30, 28), (70, 48, 32), (120, 88, 52), (150, 146, 140))
IRIS_RADIUS = 0.40  # of the eye's island, where the package's eyeball is seen from the front
PUPIL_RADIUS = 0.16
TEETH = 16  # across an arch of the base mesh, which is smooth
BROW_LIFT = 0.215  # head units above the middle of the eye
GUM = 0.22  # of an arch's front band, above its teeth


@dataclass(frozen=True)
class Canvas:
    """What the painter knows of a head's UV square at one size: regions, places, parts, cover.

    Attributes:
        eye_radius: from the middle of an eye's island, 1 at its rim.
        arch: 0..1 across and up the island of a jaw's teeth.
    """

    size: int
    covered: Bool[Tensor, "S S"]
    regions: dict[str, Float[Tensor, "S S"]]
    parts: dict[str, Bool[Tensor, "S S"]]
    position: Float[Tensor, "3 S S"]
    eye_radius: Float[Tensor, "S S"]
    arch: Float[Tensor, "2 S S"]

    @classmethod
    def of(cls, topology: Topology, size: int) -> Canvas:
        surface = Surface.of(topology)
        weights = torch.from_numpy(topology.region_weights)
        values = torch.cat([torch.from_numpy(topology.rest), weights.T], dim=1)
        drawn, covered = unwrapped(values, surface.uvs, surface.faces, surface.uv_faces, size)
        parts, radius, arch = {}, torch.full((size, size), 9.0), torch.zeros(2, size, size)
        right = ((torch.arange(size) + 0.5) / size)[None, :].expand(size, size)
        square = torch.stack([right, 1 - right.T])
        for name in topology.part_names:
            mine = torch.from_numpy(topology.part_faces(name)).long()
            _, parts[name] = unwrapped(values[:, :1], surface.uvs, surface.faces[mine], surface.uv_faces[mine], size)
            corners = surface.uvs[surface.uv_faces[mine].long().flatten()]
            low, high = corners.amin(0), corners.amax(0)
            within = (square - low[:, None, None]) / (high - low)[:, None, None]
            if name.endswith("_eye"):
                radius = torch.minimum(radius, (2 * within - 1).norm(dim=0))
            elif name.endswith("_teeth"):
                arch = torch.where(parts[name], within, arch)
        regions = dict(zip(topology.region_names, drawn[3:], strict=True))
        return cls(size, covered, regions, parts, drawn[:3], radius, arch)


def paint(canvas: Canvas, look: Look, brows: Float[Tensor, "S S"] | None = None) -> Float[Tensor, "1 3 S S"]:
    """The albedo of a look, sRGB 0..1, seams padded.

    Args:
        brows: 0..1 where they grow; by default all over their regions.
    """
    generator = torch.Generator().manual_seed(look.seed)
    skin = _skin_colour(look)
    coarse, fine = _noise(canvas.size, 12, generator), _noise(canvas.size, canvas.size // 4, generator)
    albedo = skin * (1 + 0.035 * coarse + 0.02 * fine)
    flush = sum(canvas.regions[name] for name in ("left_cheek", "right_cheek", "nose", "left_ear", "right_ear"))
    if look.skin != "green":
        albedo = albedo * (1 - torch.as_tensor(flush).clamp(0, 1) * _rgb((6, 22, 20)) * 0.9)
    hair = _pick(NATURAL_HAIRS, generator)
    if brows is None:
        brows = (canvas.regions["left_brow"] + canvas.regions["right_brow"]).clamp(0, 1) * 0.85
    albedo = _over(albedo, hair * (1 + 0.15 * fine), brows)
    lips = canvas.regions["lips"]
    natural = skin * _rgb((218, 150, 148)) * 1.12
    albedo = _over(albedo, _rgb(PAINT[look.lips]) if look.lips else natural, lips * (0.95 if look.lips else 0.8))
    if look.beard:
        grain = (0.92 + 0.12 * fine).clamp(0, 1)
        albedo = _over(albedo, _rgb(HAIR[look.beard]) * (1 + 0.12 * fine), canvas.regions["beard"] * grain * 0.95)
    if look.mask:
        around = canvas.regions["eye_mask"]
        albedo = _over(albedo, _rgb(PAINT[look.mask]) * (1 + 0.03 * coarse), (around * 1.6 - 0.3).clamp(0, 1))
    albedo = _paint_inside(albedo, canvas, skin)
    albedo = _paint_eyes(albedo, canvas, _pick(IRISES, generator))
    return pad_seams(albedo.clamp(0, 1), canvas.covered, 6)[None]


def natural_brows(canvas: Canvas) -> Float[Tensor, "S S"]:
    """Brows as strands that get shorter and sparser to the tail, for a face that no words have made yet."""
    x, y, z = canvas.position
    eye = canvas.position[:, canvas.parts["left_eye"]].mean(dim=1)
    t = (x.abs() - eye[0]) / 0.3  # -1 at the nose's root, 1 at the tail
    line = eye[1] + BROW_LIFT + 0.05 * t - 0.065 * t * t
    half = 0.046 - 0.014 * (t + 1)
    height = (y - line) / half
    body = (1 - height.square()).clamp(0, 1) * _step(t, -0.92, -0.55) * _step(t, 1.15, 0.55)
    lean = x.abs() - (y - line) * (0.2 + 0.8 * _step(t, -0.8, 0.2))  # upright at the nose, lying at the tail
    strands = 0.8 + 0.2 * torch.sin(lean * 420 + 3 * torch.sin(y * 90))
    return (body.sqrt() * strands * 0.85) * _step(z, 0.2, 0.4) * (canvas.parts["skin"])


def _step(values: Tensor, zero: float, one: float) -> Tensor:
    """0 at and beyond `zero`, 1 at and beyond `one`, smooth between."""
    t = ((values - zero) / (one - zero)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def _skin_colour(look: Look) -> Float[Tensor, "3 1 1"]:
    if look.skin:
        return _rgb(SKIN[look.skin])
    light, tanned = (_rgb(colour) for colour in NATURAL_SKIN)
    return light + (tanned - light) * look.tone


def _paint_inside(albedo: Tensor, canvas: Canvas, skin: Tensor) -> Tensor:
    """Mouth, tongue and teeth, the sockets behind the lids, and the lashes."""
    sockets = canvas.parts["left_socket"] | canvas.parts["right_socket"]
    albedo = torch.where(sockets, skin * _rgb((205, 165, 160)), albedo)
    mouth = _over(_rgb((110, 42, 44)).expand_as(albedo), albedo, canvas.regions["lips"])
    albedo = torch.where(canvas.parts["mouth"], mouth, albedo)
    albedo = torch.where(canvas.parts["tongue"], _rgb((178, 88, 90)), albedo)
    return _paint_teeth(albedo, canvas)


def _paint_teeth(albedo: Tensor, canvas: Canvas) -> Tensor:
    """Off-white, darker between two teeth, gums at their front band's far end; and lashes, nearly black.

    The upper arch's island has its gums at the bottom, the lower one's as well: both start where the lips are.
    """
    across, up = canvas.arch
    gap = ((across * TEETH) % 1 - 0.5).abs() * 2  # 1 between two teeth
    enamel = _rgb((226, 217, 198)) * (1 - 0.35 * ((gap - 0.8) / 0.2).clamp(0, 1))
    gum = ((GUM - up) / 0.06 + 0.5 - 0.8 * gap.square()).clamp(0, 1)
    for jaw in ("upper_teeth", "lower_teeth"):
        if jaw in canvas.parts:
            albedo = torch.where(canvas.parts[jaw], _over(enamel, _rgb((176, 96, 96)), gum), albedo)
    for side in ("left_lashes", "right_lashes"):
        if side in canvas.parts:
            albedo = torch.where(canvas.parts[side], _rgb((30, 24, 22)), albedo)
    return albedo


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
