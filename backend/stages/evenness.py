"""What a texture is like whatever the words: alike on both sides, whole across seams, evenly lit, not glaring."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..face.mesh import Topology
from ..render.colour import to_yuv
from ..render.picture import Surface
from ..render.uv import sample, unwrapped
from ..settings.stages import PaintSettings

COARSE = 16  # texels a side in which brightness has to be even
COLOURFUL = 0.75  # the difference of a texel's channels beyond which it glares


@dataclass(frozen=True)
class Evenness:
    """A topology's texture square, as the terms need it.

    Attributes:
        opposite: where on the square each texel's place on the other side of the head is, as `grid_sample` has it.
        sided: which texels have one.
        seams: pairs of places on the square that are one place on the head, from bottom left.
        skin: which texels show skin.
    """

    opposite: Float[Tensor, "1 S S 2"]
    sided: Bool[Tensor, "S S"]
    seams: Float[Tensor, "2 N 2"]
    skin: Bool[Tensor, "S S"]

    @classmethod
    def of(cls, topology: Topology, surface: Surface, size: int) -> Evenness:
        mine = torch.from_numpy(topology.part_faces("skin")).long()
        faces, uv_faces = surface.faces[mine], surface.uv_faces[mine]
        first = _a_place_each(surface, len(topology.rest))
        mirror = torch.arange(len(topology.rest)) if topology.mirror is None else torch.from_numpy(topology.mirror)
        drawn, covered = unwrapped(surface.uvs[first[mirror.long()]], surface.uvs, faces, uv_faces, size)
        grid = torch.stack([drawn[0] * 2 - 1, 1 - drawn[1] * 2], dim=-1)[None]
        torn = torch.zeros(size, size, dtype=torch.bool)  # triangles whose corners lie apart on the other side
        for axis in (0, 1):
            step = drawn.diff(dim=1 + axis).abs().amax(0) > 8 / size
            torn |= torch.nn.functional.pad(step, (0, 1, 0, 0) if axis else (0, 0, 0, 1))
        sided = covered & ~torn if topology.mirror is not None else torch.zeros_like(covered)
        return cls(grid, sided, _seams(surface, first), covered)

    def loss(self, albedo: Float[Tensor, "1 3 S S"], settings: PaintSettings) -> Float[Tensor, ""]:
        """The terms that the settings weigh, together."""
        terms = {
            "symmetry": self.asymmetry,
            "variation": variation,
            "seam": self.tear,
            "evenness": self.unevenness,
            "saturation": self.glare,
        }
        found = albedo.new_zeros(())
        for name, term in terms.items():
            if weight := getattr(settings, name):
                found = found + weight * term(albedo)
        return found

    def asymmetry(self, albedo: Float[Tensor, "1 3 S S"]) -> Float[Tensor, ""]:
        """Smooth L1 to what the other side has, which is not itself moved by it (FaceG2E)."""
        other = torch.nn.functional.grid_sample(albedo.detach(), self.opposite.to(albedo), align_corners=False)
        apart = torch.nn.functional.smooth_l1_loss(albedo, other, reduction="none")
        return (apart * self.sided).sum() / (3 * self.sided.sum()).clamp(min=1)

    def tear(self, albedo: Float[Tensor, "1 3 S S"]) -> Float[Tensor, ""]:
        """Mean square difference across seams."""
        if not self.seams.shape[1]:
            return albedo.new_zeros(())
        picture = torch.zeros(self.seams.shape[1], dtype=torch.long)
        here, there = (sample(albedo, side, picture) for side in self.seams)
        return (here - there).square().mean()

    def unevenness(self, albedo: Float[Tensor, "1 3 S S"]) -> Float[Tensor, ""]:
        """Variance of the skin's brightness over coarse patches: the Y of YUV, without a network."""
        side = albedo.shape[-1] // COARSE
        cover = self.skin[None, None].to(albedo)
        weight = torch.nn.functional.avg_pool2d(cover, side)
        level = torch.nn.functional.avg_pool2d(to_yuv(albedo)[:, :1] * cover, side) / weight.clamp(min=1e-6)
        share = weight / weight.sum()
        middle = (level * share).sum()
        return ((level - middle).square() * share).sum()

    def glare(self, albedo: Float[Tensor, "1 3 S S"]) -> Float[Tensor, ""]:
        """Mean square of what the skin's colours are beyond COLOURFUL."""
        beyond = (albedo.amax(1) - albedo.amin(1) - COLOURFUL).clamp(min=0)
        return (beyond.square() * self.skin).sum() / self.skin.sum().clamp(min=1)


def variation(albedo: Float[Tensor, "1 3 S S"]) -> Float[Tensor, ""]:
    """Mean squared differences of neighbours, over channels (FaceG2E's smoothness)."""
    return (albedo.diff(dim=2).square().mean() + albedo.diff(dim=3).square().mean()) / albedo.shape[1]


def _a_place_each(surface: Surface, count: int) -> Int[Tensor, " V"]:
    """The first of each vertex's texture coordinates."""
    found = torch.full((count,), len(surface.uvs), dtype=torch.long)
    found.scatter_reduce_(0, surface.faces.long().flatten(), surface.uv_faces.long().flatten(), "amin")
    return found.clamp(max=len(surface.uvs) - 1)


def _seams(surface: Surface, first: Int[Tensor, " V"]) -> Float[Tensor, "2 N 2"]:
    """Of each vertex with several texture coordinates, the first and each other one."""
    pairs = torch.stack([first[surface.faces.long().flatten()], surface.uv_faces.long().flatten()], dim=1)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]].unique(dim=0)
    return surface.uvs[pairs].transpose(0, 1)
