"""The colour of each thing the language can paint, and where on the UV square it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray

from ..face.mesh import Topology
from ..language import THINGS, Look, Thing, regions_on
from ..render.picture import Surface
from ..render.uv import position_map, unwrapped
from ..training.canvas import Canvas
from ..training.painter import masks
from .colours import region_colour

LARGE = ("forehead", "nose", "left_cheek", "right_cheek", "chin", "neck", "scalp", "lips")  # where a leak is looked for
INSIDE = 0.7  # of a region's weight or a thing's cover: the soft border is nobody's


@dataclass(frozen=True)
class Chart:
    """A head's UV square at one size.

    Attributes:
        things: where each thing of the language lies, by name: on the embedded head where the painter puts it, on
            others the regions it names.
        regions: the head's own regions of LARGE.
        face, skin, covered: the front of the face; all skin; all that any triangle covers.
        position, normal: head units, and unit vectors, 0 where nothing is.
    """

    size: int
    things: dict[str, Bool[ndarray, "S S"]]
    regions: dict[str, Bool[ndarray, "S S"]]
    face: Bool[ndarray, "S S"]
    skin: Bool[ndarray, "S S"]
    covered: Bool[ndarray, "S S"]
    position: Float[ndarray, "3 S S"]
    normal: Float[ndarray, "3 S S"]

    @classmethod
    def of(cls, topology: Topology, surface: Surface, size: int, canvas: Canvas | None = None) -> Chart:
        """`canvas` is the painter's of the same size, where the head is the one it paints."""
        weights = torch.from_numpy(topology.region_weights).T
        drawn, covered = unwrapped(weights, surface.uvs, surface.faces, surface.uv_faces, size)
        regions = dict(zip(topology.region_names, (drawn > INSIDE).numpy(), strict=True))
        mine = torch.from_numpy(topology.part_faces("skin")).long()
        _, skin = unwrapped(weights[:, :1], surface.uvs, surface.faces[mine], surface.uv_faces[mine], size)
        rest = torch.from_numpy(topology.rest)
        position, normal, _ = position_map(rest, surface.uvs, surface.faces, surface.uv_faces, size)
        things = {
            thing.name: painted(canvas, thing) if canvas else np.any([regions[name] for name in found], axis=0)
            for thing in THINGS
            if (found := regions_on(thing.regions, regions))
        }
        large = {name: regions[name] for name in LARGE if name in regions}
        return cls(
            size, things, large, regions["face"], skin.numpy(), covered.numpy(), position.numpy(), normal.numpy()
        )

    def colours(self, albedo: UInt8[ndarray, "S S 3"]) -> dict[str, list[float]]:
        """Mean sRGB (0..255) of each thing's place."""
        return _colours(albedo, self.things)

    def region_colours(self, albedo: UInt8[ndarray, "S S 3"]) -> dict[str, list[float]]:
        """The same of the regions."""
        return _colours(albedo, self.regions)


def _colours(albedo: UInt8[ndarray, "S S 3"], places: dict[str, Bool[ndarray, "S S"]]) -> dict[str, list[float]]:
    return {
        name: [round(float(value), 1) for value in region_colour(albedo, where.astype(np.float32))]
        for name, where in places.items()
        if where.any()
    }


def painted(canvas: Canvas, thing: Thing) -> Bool[ndarray, "S S"]:
    """Where the painter puts a thing on a face that has nothing else."""
    some: str | bool | float = next(iter(thing.colours), True)
    look = Look(**{thing.name: 1.0 if thing.name == "wrinkles" else some})  # pyright: ignore[reportArgumentType]
    return (masks(canvas, look)[thing.name] > INSIDE).numpy()
