"""Pictures back onto the head: what each texel of the UV square looks like in photographs of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from .camera import Cameras
from .kernels import visible
from .picture import Surface
from .rasterise import hits
from .uv import position_map

SLACK = 1.5  # pixels of depth by which a texel may lie behind what its pixel sees
WHOLE = 0.999  # of the pixels that a look-up blends, so much must show the head: none of the background gets in
STEEPEST = 0.1  # cosine below which slopes do not widen the slack any more


@dataclass(frozen=True)
class Unprojected:
    """Pictures in the UV square.

    Attributes:
        values: (B, C, S, S) what the picture shows at each texel, 0 where it shows it not.
        weights: (B, 1, S, S) the cosine between normal and viewer where the texel is seen, else 0.
    """

    values: Float[Tensor, "B C S S"]
    weights: Float[Tensor, "B 1 S S"]

    def mean(self) -> tuple[Float[Tensor, "1 C S S"], Float[Tensor, "1 1 S S"]]:
        """All pictures in one, those that see a texel from the front most, and the sum of their weights."""
        total = self.weights.sum(0, keepdim=True)
        return (self.values * self.weights).sum(0, keepdim=True) / total.clamp(min=1e-9), total


def unproject(
    images: Float[Tensor, "B C H W"],
    surface: Surface,
    vertices: Float[Tensor, "1 V 3"],
    cameras: Cameras,
    size: int,
) -> Unprojected:
    """Pictures of one head, one a camera, looked up at each texel's place; differentiable in the pictures.

    A texel is seen where its place is in the picture, faces the camera, is not behind what the picture shows and
    lies among pixels that show the head.
    """
    uvs, (height, width) = surface.uvs, images.shape[2:]
    with torch.no_grad():
        places, normals, covered = position_map(vertices[0], uvs, surface.faces, surface.uv_faces, size)
        points = places[:, covered].T
        clip = cameras.clip(points[None], width / height)
        ndc = clip[..., :2] / clip[..., 3:]
        in_camera = cameras.in_camera(points[None])
        facing = (cameras.pose()[0].to(points) @ normals[:, covered]).transpose(1, 2)
        cosine = -(facing * torch.nn.functional.normalize(in_camera, dim=2)).sum(2)
        seen = _distances(surface, cameras.clip(vertices, width / height), (height, width))
        grid = torch.stack([ndc[..., 0], -ndc[..., 1]], dim=2)[:, :, None]
        front = torch.nn.functional.grid_sample(seen, grid, mode="nearest", align_corners=False)[:, 0, :, 0]
        pixel = 2 * clip[..., 3] / (height * cameras.focal()[:, None].to(clip))
        hidden = clip[..., 3] - front > SLACK * pixel / cosine.clamp(min=STEEPEST)
        filled = torch.nn.functional.grid_sample((seen > 0).to(seen), grid, align_corners=False)[:, 0, :, 0]
        weight = torch.where(hidden | (filled < WHOLE), 0, cosine.clamp(min=0))
    found = torch.nn.functional.grid_sample(images, grid, align_corners=False, padding_mode="border")[..., 0]
    found = found * (weight > 0)[:, None]
    values = images.new_zeros(*images.shape[:2], size, size)
    weights = images.new_zeros(len(images), 1, size, size)
    values[:, :, covered], weights[:, 0, covered] = found, weight
    return Unprojected(values, weights)


def _distances(surface: Surface, clip: Float[Tensor, "B V 4"], size: tuple[int, int]) -> Float[Tensor, "B 1 H W"]:
    """Head units from the camera along its axis; 0 where the picture is empty."""
    seen = hits(clip, surface.faces, visible(clip, surface.faces, size))
    return seen.picture_of(seen.interpolate(clip[..., 3:], surface.faces), torch.zeros(1))
