"""Detail beyond what a head model can show: skin that stands off along its normals, within a bound, smoothly.

The worked example of a parameter more to optimise: docs/stages.md goes through it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..face.mesh import Topology
from ..render.rasterise import vertex_normals

STEEP = 0.25  # of the bound, that a unit of height goes near 0: a step of all heights is `learning_rate` units long


@dataclass(frozen=True)
class Displacement:
    """How far each vertex stands off.

    Attributes:
        bound: head units that no vertex passes.
        heights: what is optimised, of any size; 0 is the head as it was.
        skin: 1 where vertices may move.
        neighbours: pairs of vertices of the skin that an edge joins, each both ways.
    """

    bound: float
    heights: Float[Tensor, " V"]
    skin: Float[Tensor, " V"]
    neighbours: Int[Tensor, "2 N"]

    @classmethod
    def none(cls, topology: Topology, bound: float) -> Displacement:
        """Nothing stands off yet."""
        faces = torch.from_numpy(topology.faces[topology.part_faces("skin")]).long()
        ways = ((0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2))
        neighbours = torch.cat([faces[:, way] for way in ways]).unique(dim=0).T
        heights = torch.zeros(len(topology.rest))
        return cls(bound, heights.clone().requires_grad_(), heights.index_fill(0, faces.flatten(), 1.0), neighbours)

    def shares(self) -> Float[Tensor, " V"]:
        """Of the bound, -1..1."""
        return (STEEP * self.heights).tanh() * self.skin

    def offsets(self, vertices: Float[Tensor, "1 V 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "1 V 3"]:
        """In head units, along the normals of the head before; these are not moved by what is seen of the detail."""
        return self.bound * self.shares()[:, None] * vertex_normals(vertices.detach(), faces)

    def roughness(self) -> Float[Tensor, ""]:
        """Mean square of the Laplacian of the shares: of how far each vertex is off the mean of its neighbours."""
        shares, (here, there) = self.shares(), self.neighbours
        nothing = torch.zeros_like(shares)
        count = nothing.index_add(0, here, torch.ones(len(here)))
        around = nothing.index_add(0, here, shares[there]) / count.clamp(min=1)
        return ((shares - around).square() * self.skin).sum() / self.skin.sum()
