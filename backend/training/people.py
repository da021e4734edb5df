"""Persons of the face language as heads: sliders, vertices of one size, pictures as the stages take them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..face.model import LinearFaceModel
from ..language import SHAPES, Person
from ..render.camera import Cameras
from ..render.closeup import Closeup
from ..render.kernels import visible
from ..render.picture import Surface, look
from ..render.rasterise import hits
from ..render.views import sample_setting
from .canvas import Canvas
from .head import random_sliders
from .painter import paint

PICTURE = 128  # the starter family's native render
TEXTURE = 256
BACKGROUND_SPREAD = 0.18  # of local sliders that no word names
FINER = 4  # pixels a side that are looked at for one square of `Studio.parts`
AZIMUTH, ELEVATION = 45.0, 15.0  # degrees either way


def sliders_of(model: LinearFaceModel, person: Person, seed: int) -> Float[Tensor, "1 S"]:
    """A random adult with the person's axes set; what no word names varies with the seed."""
    sliders = random_sliders(model, 1, torch.Generator().manual_seed(seed), BACKGROUND_SPREAD)
    for axis in SHAPES:
        value = person.shape.get(axis.name, 0.0)
        for name, low, high in axis.sliders:
            sliders[0, model.slider_names.index(name)] = low + (high - low) * (value + 1) / 2
    return sliders


def same_size(vertices: Float[Tensor, "B V 3"], rest: Float[Tensor, "V 3"]) -> Float[Tensor, "B V 3"]:
    """Heads centred and scaled to fit the mean head: identity is shape, not size (Procrustes without rotation)."""
    middle = rest.mean(0)
    target, centred = rest - middle, vertices - vertices.mean(1, keepdim=True)
    scale = (centred * target).sum((1, 2), keepdim=True) / (centred * centred).sum((1, 2), keepdim=True)
    return centred * scale + middle


@dataclass(frozen=True)
class Studio:
    """A head model and all that pictures of it need, loaded once."""

    model: LinearFaceModel
    surface: Surface
    canvas: Canvas

    @classmethod
    def of(cls, model: LinearFaceModel) -> Studio:
        return cls(model, Surface.of(model.topology), Canvas.of(model.topology, TEXTURE))

    def vertices(self, person: Person, seed: int) -> Float[Tensor, "1 V 3"]:
        return same_size(self.model.vertices(sliders=sliders_of(self.model, person, seed)), self.model.rest)

    def clay(self, vertices: Tensor, cameras: Cameras, lights: Tensor) -> Float[Tensor, "B 3 128 128"]:
        return look(self.surface, vertices, cameras, lights, PICTURE).textureless()

    def photos(
        self, vertices: Tensor, albedo: Tensor, cameras: Cameras, lights: Tensor
    ) -> Float[Tensor, "B 3 128 128"]:
        return look(self.surface, vertices, cameras, lights, PICTURE).textured(albedo)

    def inside(self, regions: tuple[str, ...]) -> Float[Tensor, " V"]:
        """How far each vertex lies in any of the regions, 0..1; the eyes lie within their areas."""
        names = {*regions, *(name.replace("_eye_area", "_eyeball") for name in regions)}
        return torch.from_numpy(np.max([self.model.topology.region(name) for name in sorted(names)], axis=0))

    def nearer(
        self, cameras: Cameras, vertices: Float[Tensor, "1 V 3"], regions: tuple[str, ...], seed: int
    ) -> Cameras:
        """The cameras, half of them close to the regions where those are small, as edits look at them."""
        closeup = Closeup.of(vertices[0], self.inside(regions)) if regions else None
        return closeup.taken(cameras, torch.Generator().manual_seed(seed)) if closeup else cameras

    def parts(
        self, vertices: Float[Tensor, "1 V 3"], cameras: Cameras, regions: tuple[str, ...], size: int
    ) -> Float[Tensor, "B S S"]:
        """How much of each square of a picture shows any of the regions, 0..1."""
        weights = self.inside(regions)
        clip = cameras.clip(vertices, 1.0)
        fine = FINER * size
        seen = hits(clip, self.surface.faces, visible(clip, self.surface.faces, (fine, fine)))
        drawn = seen.picture_of(seen.interpolate(weights[None, :, None], self.surface.faces), torch.zeros(1))
        return torch.nn.functional.avg_pool2d(drawn.clamp(0, 1), FINER)[:, 0]

    def albedo(self, person: Person) -> Float[Tensor, "1 3 256 256"]:
        return paint(self.canvas, person.look)


def draw_setting(count: int, rng: random.Random) -> tuple[Cameras, Float[Tensor, "B 9"]]:
    """Random views and lights, as the stages draw them."""
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    return sample_setting(count, generator, AZIMUTH, ELEVATION)


def twice(cameras: Cameras, lights: Float[Tensor, "B 9"]) -> tuple[Cameras, Float[Tensor, "2*B 9"]]:
    """A setting for what was before and for what is after."""
    given = {name: getattr(cameras, name) for name in ("azimuth", "elevation", "half_height", "aim", "distance")}
    doubled = {name: torch.cat([value, value]) for name, value in given.items() if isinstance(value, Tensor)}
    return replace(cameras, **doubled), torch.cat([lights, lights])
