"""A texture for heads that come without one: a plain colour a part, eyes with iris and pupil."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray
from torch import Tensor

from ..face.mesh import Topology
from .uv import pad_seams, unwrapped

SKIN = (206.0, 166.0, 143.0)  # sRGB; a middle tone, so that words can take it either way
LIPS, BROWS = (186, 122, 112), (92, 70, 56)
WHITE, IRIS, PUPIL = (236, 232, 228), (104, 78, 56), (18, 16, 16)
COLOURS = {  # by the last word of a part's name; skin elsewhere
    "eye": WHITE,
    "iris": WHITE,
    "mouth": (146, 74, 72),
    "gums": (176, 98, 94),
    "tongue": (186, 104, 100),
    "socket": (176, 110, 100),
    "teeth": (232, 224, 208),
    "lashes": (122, 92, 78),  # opaque strips: black ones would be a painted lid
}
IRIS_SIZE, PUPIL_SIZE = 0.5, 0.2  # of an eyeball's radius
GUTTER = 8  # texels that colour runs beyond an island's border


def plain_albedo(topology: Topology, size: int, skin: tuple[float, ...] = SKIN) -> UInt8[ndarray, "S S 3"]:
    """Every island in the colour of its part, lips and brows where the head has such regions."""
    picture = torch.tensor(skin).float().view(3, 1, 1).expand(3, size, size)
    covered = torch.zeros(size, size, dtype=torch.bool)
    for part in topology.part_names:
        drawn, inside = _colours(topology, part, size, skin)
        picture, covered = torch.where(inside, drawn, picture), covered | inside
    return pad_seams(picture, covered, GUTTER).permute(1, 2, 0).round().clamp(0, 255).byte().numpy()


def _colours(
    topology: Topology, part: str, size: int, skin: tuple[float, ...]
) -> tuple[Float[Tensor, "3 S S"], Bool[Tensor, "S S"]]:
    faces = torch.from_numpy(topology.part_faces(part)).long()
    if not len(faces):
        return torch.zeros(3, size, size), torch.zeros(size, size, dtype=torch.bool)
    uvs, mesh, uv_mesh = (torch.from_numpy(array) for array in (topology.uvs, topology.faces, topology.uv_faces))
    kind = part.rpartition("_")[2]
    values = torch.from_numpy(topology.rest)
    if kind in ("eye", "iris"):
        drawn, covered = unwrapped(values, uvs, mesh[faces], uv_mesh[faces], size)
        return _eye(drawn, values[mesh[faces].long().unique()]), covered
    colour = torch.tensor(COLOURS.get(kind, skin)).float()
    colours = colour.expand(len(values), 3)
    if part == "skin":
        for region, tint in (("lips", LIPS), ("left_brow", BROWS), ("right_brow", BROWS)):
            if region in topology.region_names:
                weight = torch.from_numpy(topology.region(region))[:, None]
                colours = colours + weight * (torch.tensor(tint).float() - colours)
    return unwrapped(colours, uvs, mesh[faces], uv_mesh[faces], size)


def _eye(places: Float[Tensor, "3 S S"], ball: Float[Tensor, "N 3"]) -> Float[Tensor, "3 S S"]:
    """Iris and pupil round the point of the ball that looks to the viewer."""
    middle = (ball.amin(0) + ball.amax(0)) / 2
    radius = (ball.amax(0) - ball.amin(0))[:2].max() / 2
    away = (places[:2] - middle[:2, None, None]).norm(dim=0) / radius
    away = torch.where(places[2] > middle[2], away, torch.full_like(away, 2.0))
    picture = torch.tensor(WHITE).float().view(3, 1, 1).expand_as(places)
    for reach, colour in ((IRIS_SIZE, IRIS), (PUPIL_SIZE, PUPIL)):
        share = ((reach - away) / 0.06 + 0.5).clamp(0, 1)
        picture = picture + share * (torch.tensor(colour).float().view(3, 1, 1) - picture)
    return picture
