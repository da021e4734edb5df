"""One call: head, texture, cameras and lights to pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..face.mesh import Topology
from .camera import Cameras
from .kernels import visible
from .light import shade
from .rasterise import Hits, hits, triangle_areas, vertex_normals
from .silhouettes import Edges, Outlines, outlines
from .uv import sample

GREY = 0.72  # the clay of textureless pictures, sRGB
EMPTINESS = 0.5  # the grey behind training pictures
Background = float | Float[Tensor, "#B #C #H #W"]
Visible = Callable[[Tensor, Tensor, tuple[int, int]], Tensor]  # `kernels.visible` and its like


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

    @cached_property
    def edges(self) -> Edges:
        return Edges.of(self.faces)


@dataclass(frozen=True)
class Scene:
    """What a picture shows before any colour: the visible triangles and the shade at each hit.

    Several pictures of one view and light (grey, textured, before and after an edit) share it. A background is one
    level of grey or a picture that broadcasts to (B, C, H, W).

    Attributes:
        normals: (N, 3) of unit length, in the head's frame.
        clip: (B, V, 4) where the vertices are in clip space.
        densities: (N,) how much of the UV square's area one pixel sees; None where no mip-maps are wanted.
        outlines: where pictures are antialiased; None where they are not.
    """

    surface: Surface
    hits: Hits
    normals: Float[Tensor, "N 3"]
    shades: Float[Tensor, " N"]
    cameras: Cameras
    clip: Float[Tensor, "B V 4"]
    densities: Float[Tensor, " N"] | None = None
    outlines: Outlines | None = None

    def textureless(self, background: Background = EMPTINESS, clamped: bool = True) -> Float[Tensor, "B 3 H W"]:
        """The grey head, lit; unclamped, lights can take colours beyond white."""
        channels = 3 if isinstance(background, Tensor) else 1  # one, shown three times, is less work
        grey = (self.shades * GREY)[:, None].expand(-1, channels)
        return self._over(grey, background, clamped).expand(-1, 3, -1, -1)

    def textured(
        self, albedo: Float[Tensor, "#B 3 S S"], background: Background = EMPTINESS, clamped: bool = True
    ) -> Float[Tensor, "B 3 H W"]:
        """The textured head, lit; the albedo is sRGB, and the shade multiplies it as such (FaceG2E's convention)."""
        return self._over(self._texels(albedo) * self.shades[:, None], background, clamped)

    def unlit(self, texture: Float[Tensor, "#B C S S"], background: Background = 0.0) -> Float[Tensor, "B C H W"]:
        """Texels as they are, of any number of channels: latents worn as a texture, masks, attention."""
        return self._drawn(self._texels(texture), background)

    def mask(self) -> Float[Tensor, "B 1 H W"]:
        """1 where the head is."""
        return self._drawn(torch.ones_like(self.shades)[:, None], 0.0)

    def depth(self, near_bright: bool = True) -> Float[Tensor, "B 3 H W"]:
        """For depth ControlNets: 1 where the head is nearest, 0.5 where farthest, 0 beside it; never antialiased.

        Args:
            near_bright: as the ControlNet was trained (MiDaS); False is FaceG2E's released form, near 0.5 and far 1.
        """
        distances, picture = self.distances(), self.hits.picture
        low, high = (
            distances.new_zeros(len(self.cameras)).scatter_reduce(0, picture, distances, extreme, include_self=False)
            for extreme in ("amin", "amax")
        )
        share = (distances - low[picture]) / (high - low).clamp(min=1e-9)[picture]
        share = 1 - share if near_bright else share
        return self.hits.picture_of((0.5 + 0.5 * share)[:, None].expand(-1, 3), torch.zeros(1))

    def normal_map(self, of_camera: bool = False, background: Background = 0.5) -> Float[Tensor, "B 3 H W"]:
        """Normals as colours, (n + 1) / 2, in the head's frame or the camera's (x right, y up, z to the viewer)."""
        normals = self.normals
        if of_camera:
            turn = self.cameras.pose()[0].to(normals)
            normals = (turn[self.hits.picture] * normals[:, None]).sum(2)
        return self._drawn(normals * 0.5 + 0.5, background)

    def distances(self) -> Float[Tensor, " N"]:
        """Head units from the camera, along its axis, to what each hit sees."""
        return self.hits.interpolate(self.clip[..., 3:], self.surface.faces)[:, 0]

    def uv_at_hits(self) -> Float[Tensor, "N 2"]:
        """Texture coordinates of what each hit sees."""
        return self.hits.interpolate(self.surface.uvs.to(self.shades)[None], self.surface.uv_faces)

    def _texels(self, texture: Float[Tensor, "#B C S S"]) -> Float[Tensor, "N C"]:
        return sample(texture, self.uv_at_hits(), self.hits.picture, self.densities)

    def _over(self, colours: Float[Tensor, "N C"], background: Background, clamped: bool) -> Float[Tensor, "B C H W"]:
        return self._drawn(colours.clamp(0, 1) if clamped else colours, background)

    def _drawn(self, values: Float[Tensor, "N C"], background: Background) -> Float[Tensor, "B C H W"]:
        pictures, height, width = self.hits.size
        if isinstance(background, Tensor):
            behind = background.expand(pictures, values.shape[1], height, width).permute(0, 2, 3, 1).flatten(0, 2)
        else:
            behind = torch.tensor(background)
        picture = self.hits.picture_of(values, behind)
        if self.outlines is None:
            return picture
        pixels = self.outlines.smooth(picture.permute(0, 2, 3, 1).flatten(0, 2))
        return pixels.view(pictures, height, width, -1).permute(0, 3, 1, 2)


def look(
    surface: Surface,
    vertices: Float[Tensor, "#B V 3"],
    cameras: Cameras,
    lights: Float[Tensor, "#B 9"],
    size: int | tuple[int, int],
    antialias: bool = False,
    mipmaps: bool = False,
    rasteriser: Visible = visible,
) -> Scene:
    """Rasterises heads: one camera and light a picture; one head (a batch of 1) may serve all.

    Args:
        size: pixels of a square picture's side, or (height, width); the height shows the same at any width.
        antialias: smooth outlines, which give gradients to the vertices that draw them.
        mipmaps: where a pixel sees many texels, look up their average.
        rasteriser: finds the triangle each pixel sees; `nvidia.visible` is another.

    Raises:
        ValueError: batch sizes that do not agree.
    """
    pictures = len(cameras)
    if len(vertices) not in (1, pictures) or len(lights) not in (1, pictures):
        raise ValueError(
            f"{len(vertices)} heads, {len(lights)} lights, {pictures} cameras: give 1 or as many as cameras"
        )
    height, width = (size, size) if isinstance(size, int) else size
    clip = cameras.clip(vertices, width / height)
    index = rasteriser(clip, surface.faces, (height, width))
    seen = hits(clip, surface.faces, index)
    normals = torch.nn.functional.normalize(
        seen.interpolate(vertex_normals(vertices, surface.faces), surface.faces), dim=1
    )
    lights = lights.to(normals.device)
    light = lights[seen.picture] if len(lights) > 1 else lights
    return Scene(
        surface,
        seen,
        normals,
        shade(normals, light),
        cameras,
        clip,
        _densities(surface, clip, seen) if mipmaps else None,
        outlines(clip, surface.faces, surface.edges, index) if antialias else None,
    )


@torch.no_grad()
def _densities(surface: Surface, clip: Float[Tensor, "B V 4"], seen: Hits) -> Float[Tensor, " N"]:
    """How much of the UV square's area each pixel sees.

    A picture maps a triangle's plane projectively, and areas change by w³ over the volume of its corners (x, y, w).
    """
    _, height, width = seen.size
    a, b, c = (clip[:, surface.faces[:, k].long()][..., [0, 1, 3]] for k in range(3))
    volumes = (torch.linalg.cross(a, b) * c).sum(2).abs()[seen.picture, seen.face]
    depth = seen.interpolate(clip[..., 3:], surface.faces)[:, 0]
    pixels = volumes * (width * height / 8) / depth**3
    return triangle_areas(surface.uvs[None], surface.uv_faces)[0, seen.face] / pixels.clamp(min=1e-9)
