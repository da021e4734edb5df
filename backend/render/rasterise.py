"""What follows from the triangle index, once and differentiably: barycentrics, interpolation, normals."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .blending import Blend, SummedNormals, Weights, bands


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
        channels, parts = values.shape[2], bands(self.size, self.pixel)
        threes = torch.nn.functional.pad(values, (0, -channels % 3)).split(3, dim=2)
        blended = [Blend.apply(part, self.barycentrics, faces, self.face, parts) for part in threes]
        return torch.cat(blended, dim=1)[:, :channels] if channels != 3 else blended[0]

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
    size = (pictures, height, width)
    return Hits(size, pixel, picture, face, Weights.apply(clip, faces, pixel, face, size))


def vertex_normals(vertices: Float[Tensor, "B V 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "B V 3"]:
    """Unit normals at vertices, faces weighted by area."""
    return torch.nn.functional.normalize(SummedNormals.apply(vertices, faces), dim=-1)


def triangle_areas(places: Float[Tensor, "B V 2"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "B F"]:
    """Areas of triangles in a plane."""
    a, b, c = (places[:, faces[:, k].long()] for k in range(3))
    (ux, uy), (vx, vy) = (b - a).unbind(2), (c - a).unbind(2)
    return (ux * vy - uy * vx).abs() / 2
