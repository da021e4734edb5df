"""What the painter knows of a head's UV square at one size, worked out once: regions, places, parts, cover."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from ..face.mesh import Topology
from ..render.picture import Surface
from ..render.uv import unwrapped
from .head_layout import PARTS, lid_edges
from .places import Ground, Place, places, step

PADDING = 6  # texels beyond an island's border that repeat its rim
ALONG_A_LID = 5  # points on each edge of a lid's rim


@dataclass(frozen=True)
class Canvas:
    """A head's UV square at one size.

    Attributes:
        position: on the mean head, 0 where nothing is covered.
        eye_radius: seen from the front, from the middle of an eye, 1 at its rim; 9 elsewhere.
        arch: 0..1 across and up the island of a jaw's teeth.
        places: where each thing is painted, by name.
        texel, texel_of_eyes: how far it is from one to the next: head units on the face, radii of the eye in an eye.
        source: which texel each texel shows: itself, or on an island's border the nearest covered one.
    """

    size: int
    covered: Bool[Tensor, "S S"]
    regions: dict[str, Float[Tensor, "S S"]]
    parts: dict[str, Bool[Tensor, "S S"]]
    position: Float[Tensor, "3 S S"]
    eye_radius: Float[Tensor, "S S"]
    arch: Float[Tensor, "2 S S"]
    places: dict[str, Place]
    texel: float
    texel_of_eyes: float
    source: Int[Tensor, " T"]

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
            if name.endswith("_eye"):
                low, high = _ends(values[surface.faces[mine].long().flatten(), :2])
                apart = (drawn[:2] - ((low + high) / 2)[:, None, None]) / ((high - low) / 2)[:, None, None]
                radius = torch.where(parts[name], apart.norm(dim=0), radius)
            elif name.endswith("_teeth"):
                low, high = _ends(surface.uvs[surface.uv_faces[mine].long().flatten()])
                within = (square - low[:, None, None]) / (high - low)[:, None, None]
                arch = torch.where(parts[name], within, arch)
        regions = dict(zip(topology.region_names, drawn[3:], strict=True))
        ground = _ground(topology, drawn[:3], regions, parts)
        found = places(ground) | {"lips": _lips(regions["lips"], parts["skin"] | parts["mouth"])}
        low, high = _ends(drawn[:2, parts["left_eye"]].T)
        eyes = _texel(drawn[:3], parts["left_eye"]) / float((high - low).mean() / 2)
        return cls(size, covered, regions, parts, drawn[:3], radius, arch, found, ground.texel, eyes, _nearest(covered))


def _lips(weights: Float[Tensor, "S S"], near: Bool[Tensor, "S S"]) -> Place:
    """The red of the lips, on the skin and on into the mouth."""
    cover = (step(weights, 0.1, 0.6) * near).flatten()
    at = torch.nonzero(cover > 0)[:, 0]
    return Place(at, cover[at], torch.zeros(len(at)))


def _ends(points: Float[Tensor, "N 2"]) -> tuple[Float[Tensor, "2"], Float[Tensor, "2"]]:
    return points.amin(0), points.amax(0)


def _ground(topology: Topology, position: Tensor, regions: dict[str, Tensor], parts: dict[str, Tensor]) -> Ground:
    at = torch.nonzero(parts["skin"].flatten())[:, 0]
    return Ground(
        at,
        position.flatten(1)[:, at],
        {name: weights.flatten()[at] for name, weights in regions.items()},
        _texel(position, parts["skin"] & (regions["face"] > 0.9)),
        *features(topology.rest, topology.faces, topology.face_parts, topology.region("lips")),
    )


def features(
    rest: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"], parts: Int[ndarray, " F"], lips: Float[ndarray, " V"]
) -> tuple[tuple[float, float], tuple[float, float], Float[Tensor, "P 3"]]:
    """Of a `Ground`: the left eye's middle, the mouth, the rims of the left eye's lids.

    Args:
        parts: of each triangle, into `head_layout.PARTS`.
        lips: weights of their region.
    """
    places = torch.from_numpy(rest)
    low, high = _ends(places[torch.from_numpy(faces[parts == PARTS.index("left_eye")]).long().flatten(), :2])
    eye_x, eye_y = ((low + high) / 2).tolist()
    mouth = places[torch.from_numpy(lips) > 0.5]
    edges = places[torch.from_numpy(lid_edges(faces, parts, len(rest))).long()]
    share = torch.linspace(0, 1, ALONG_A_LID)[:, None, None]
    lids = (edges[:, 0] * share + edges[:, 1] * (1 - share)).reshape(-1, 3)
    return (eye_x, eye_y), (float(mouth[:, 0].abs().max()), float(mouth[:, 1].mean())), lids[lids[:, 0] > 0]


def _texel(position: Float[Tensor, "3 S S"], face: Bool[Tensor, "S S"]) -> float:
    """Head units from one texel of the face to the next, as most are."""
    both = face[:, 1:] & face[:, :-1]
    return float((position[:, :, 1:] - position[:, :, :-1]).norm(dim=0)[both].median())


def _nearest(covered: Bool[Tensor, "S S"]) -> Int[Tensor, " T"]:
    """The covered texel that each texel within PADDING of one repeats; others repeat themselves."""
    size = len(covered)
    source = torch.where(covered, torch.arange(size * size).view(size, size), -1)
    for _ in range(PADDING):
        ring = torch.nn.functional.pad(source, (1, 1, 1, 1), value=-1)
        for row, column in ((1, 0), (1, 2), (0, 1), (2, 1), (0, 0), (0, 2), (2, 0), (2, 2)):
            beside = ring[row : row + size, column : column + size]
            source = torch.where(source < 0, beside, source)
    return torch.where(source < 0, torch.arange(size * size).view(size, size), source).flatten()
