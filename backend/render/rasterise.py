"""What follows from the triangle index, once and differentiably: barycentrics, interpolation, normals."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Hits:
    """The pixels that see a triangle, flattened to N.

    Attributes:
        pixel: (N,) index into B*H*W; `size` is (B, H, W).
        picture, face: (N,) which picture, which triangle.
        barycentrics: (N, 3) perspective-correct weights of the triangle's corners; they carry gradients to `clip`.
    """

    size: tuple[int, int, int]
    pixel: Int[Tensor, " N"]
    picture: Int[Tensor, " N"]
    face: Int[Tensor, " N"]
    barycentrics: Float[Tensor, "N 3"]

    def interpolate(self, values: Float[Tensor, "B V C"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "N C"]:
        """Corner values blended at each hit; a batch of 1 serves all pictures."""
        corners = faces.long()[self.face]
        base = self.picture * values.shape[1] if len(values) > 1 else torch.zeros_like(self.picture)
        picked = values.reshape(-1, values.shape[2])[(corners + base[:, None]).flatten()]
        return (picked.view(*corners.shape, values.shape[2]) * self.barycentrics[..., None]).sum(1)

    def picture_of(self, values: Float[Tensor, "N C"], background: Float[Tensor, ...]) -> Float[Tensor, "B C H W"]:
        """Scatters hit values into pictures over a background that broadcasts to (B*H*W, C)."""
        pictures, height, width = self.size
        canvas = background.to(values).expand(pictures * height * width, values.shape[1])
        canvas = canvas.index_put((self.pixel,), values)
        return canvas.view(pictures, height, width, -1).permute(0, 3, 1, 2)


def hits(clip: Float[Tensor, "B V 4"], faces: Int[Tensor, "F 3"], index: Int[Tensor, "B H W"]) -> Hits:
    """Barycentrics of the seen triangles at pixel centres, differentiable in `clip`."""
    pictures, height, width = index.shape
    pixel = torch.nonzero(index.flatten() >= 0)[:, 0]
    face = index.flatten()[pixel].long()
    picture = pixel // (height * width)
    row, column = pixel // width % height, pixel % width
    corners = faces.long()[face] + (picture * clip.shape[1])[:, None]
    x, y, _, w = clip.reshape(-1, 4)[corners.flatten()].view(-1, 3, 4).unbind(-1)
    centre_x = ((column + 0.5) * (2 / width) - 1).to(clip)[:, None]
    centre_y = (1 - (row + 0.5) * (2 / height)).to(clip)[:, None]
    x, y = x - centre_x * w, y - centre_y * w
    areas = x.roll(-1, 1) * y.roll(-2, 1) - y.roll(-1, 1) * x.roll(-2, 1)
    return Hits((pictures, height, width), pixel, picture, face, areas / areas.sum(1, keepdim=True))


def vertex_normals(vertices: Float[Tensor, "B V 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "B V 3"]:
    """Unit normals at vertices, faces weighted by area."""
    corners = vertices[:, faces.long().flatten()].unflatten(1, faces.shape)
    a, b, c = corners.unbind(2)
    normal = torch.linalg.cross(b - a, c - a)
    summed = torch.zeros_like(vertices)
    for k in range(3):
        summed = summed.index_add(1, faces[:, k].long(), normal)
    return torch.nn.functional.normalize(summed, dim=-1)
