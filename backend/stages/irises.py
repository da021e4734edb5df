"""Where in the UV square the irises are: found on the eyeballs as the head's part, whatever their texture shows."""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor

from ..face.mesh import Topology
from ..render.picture import Surface
from ..render.uv import unwrapped

PUPIL, IRIS = 0.16, 0.43  # of the eyeball's radius, seen from the front; a texel more than the painter's


def irises(topology: Topology, surface: Surface, size: int) -> Bool[Tensor, "S S"]:
    """Texels of the rings round the pupils; none on a head without parts that are called eyes."""
    rest, found = torch.from_numpy(topology.rest), torch.zeros(size, size, dtype=torch.bool)
    for name in topology.part_names:
        if not name.endswith("_eye"):
            continue
        mine = torch.from_numpy(topology.part_faces(name)).long()
        ball = rest[surface.faces[mine].long().flatten(), :2]
        low, high = ball.amin(0), ball.amax(0)
        place = (rest[:, :2] - (low + high) / 2) / ((high - low) / 2)
        front = (rest[:, 2:] > (rest[surface.faces[mine].long().flatten(), 2]).mean()).float()
        drawn, covered = unwrapped(
            torch.cat([place, front], dim=1), surface.uvs, surface.faces[mine], surface.uv_faces[mine], size
        )
        radius = drawn[:2].norm(dim=0)
        found |= covered & (radius > PUPIL) & (radius < IRIS) & (drawn[2] > 0.5)
    return found
