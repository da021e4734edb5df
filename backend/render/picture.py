"""One call: head, texture, cameras and lights to pictures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..face.mesh import Topology
from .camera import Cameras
from .kernels import visible
from .light import shade
from .rasterise import Hits, hits, vertex_normals
from .uv import sample

GREY = 0.72  # the clay of textureless pictures, sRGB
EMPTINESS = 0.5  # the grey behind training pictures


@dataclass(frozen=True)
class Surface:
    """A topology's index data as tensors on one device."""

    faces: Int[Tensor, "F 3"]
    uvs: Float[Tensor, "T 2"]
    uv_faces: Int[Tensor, "F 3"]

    @classmethod
    def of(cls, topology: Topology, device: str = "cpu") -> Surface:
        return cls(
            torch.from_numpy(topology.faces).to(device),
            torch.from_numpy(topology.uvs).to(device),
            torch.from_numpy(topology.uv_faces).to(device),
        )


@dataclass(frozen=True)
class Scene:
    """What a picture shows before any colour: the visible triangles and the shade at each hit.

    Several pictures of one view and light (grey, textured, before and after an edit) share it.
    """

    surface: Surface
    hits: Hits
    normals: Float[Tensor, "N 3"]
    shades: Float[Tensor, " N"]

    def textureless(self, background: float = EMPTINESS) -> Float[Tensor, "B 3 H W"]:
        """The grey head, lit."""
        grey = (self.shades * GREY)[:, None].expand(-1, 3)
        return self._over(grey, background)

    def textured(self, albedo: Float[Tensor, "#B 3 S S"], background: float = EMPTINESS) -> Float[Tensor, "B 3 H W"]:
        """The textured head, lit; the albedo is sRGB, and the shade multiplies it as such (FaceG2E's convention)."""
        texels = sample(albedo, self.uv_at_hits(), self.hits.picture)
        return self._over(texels * self.shades[:, None], background)

    def uv_at_hits(self) -> Float[Tensor, "N 2"]:
        """Texture coordinates of what each hit sees."""
        corners = self.surface.uvs[self.surface.uv_faces.long()[self.hits.face]]
        return (corners * self.hits.barycentrics[..., None]).sum(1)

    def mask(self) -> Float[Tensor, "B 1 H W"]:
        """1 where the head is."""
        return self.hits.picture_of(torch.ones_like(self.shades)[:, None], torch.zeros(1))

    def _over(self, colours: Float[Tensor, "N 3"], background: float) -> Float[Tensor, "B 3 H W"]:
        return self.hits.picture_of(colours.clamp(0, 1), torch.tensor(background))


def look(
    surface: Surface,
    vertices: Float[Tensor, "#B V 3"],
    cameras: Cameras,
    lights: Float[Tensor, "#B 9"],
    size: int,
) -> Scene:
    """Rasterises heads: one camera and light a picture; one head (a batch of 1) may serve all.

    Raises:
        ValueError: batch sizes that do not agree.
    """
    pictures = len(cameras)
    if len(vertices) not in (1, pictures) or len(lights) not in (1, pictures):
        raise ValueError(
            f"{len(vertices)} heads, {len(lights)} lights, {pictures} cameras: give 1 or as many as cameras"
        )
    clip = cameras.clip(vertices)
    seen = hits(clip, surface.faces, visible(clip, surface.faces, (size, size)))
    normals = torch.nn.functional.normalize(
        seen.interpolate(vertex_normals(vertices, surface.faces), surface.faces), dim=1
    )
    light = lights[seen.picture] if len(lights) > 1 else lights
    return Scene(surface, seen, normals, shade(normals, light))
