"""Runs one prompt at one seed and says what came of it: facts, which know nothing of what was expected.

A shape prompt runs the geometry stage, a colour prompt the texture stage on the mean head. Facts depend on the prompt
and the seed alone, so the same facts serve every judgement of that prompt, also that under another item's label.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image
from torch import Tensor

from .. import making
from ..files import write_whole
from ..language import SHAPES
from ..pictures import portrait, to_bytes, to_tensor
from ..prompts import phrased
from ..settings import Preset
from ..stages.geometry import Shape
from ..stages.optimise import Watch
from ..training.canvas import Canvas
from ..workshop import HEAD, Workshop
from .appearance import Chart
from .journal import Facts
from .meter import metered
from .probes import Judge
from .shape_quality import mesh_quality
from .texture_quality import texture_quality

NOBODY = "a person"  # the prompt that asks for nothing
VIEWS = (0.0, 40.0)  # degrees
PICTURE = 192


@dataclass(frozen=True)
class Gauges:
    """What it takes to measure faces of one head, each made when it is first asked for; labs share them."""

    shop: Workshop

    @cached_property
    def judge(self) -> Judge:
        return Judge.of(self.shop.model, [axis.sliders for axis in SHAPES])

    @cached_property
    def canvas(self) -> Canvas:
        return Canvas.of(self.shop.model.topology, len(self.shop.albedo))

    @cached_property
    def chart(self) -> Chart:
        topology = self.shop.model.topology
        canvas = self.canvas if topology.head == HEAD else None
        return Chart.of(topology, self.shop.surface, len(self.shop.albedo), canvas)

    @cached_property
    def expressions(self) -> Float[ndarray, "E V 3"]:
        model = self.shop.model
        return model.expression_basis.view(model.expression_size, -1, 3).numpy()


@dataclass(frozen=True)
class Lab:
    """One set of networks under one preset, and what it takes to measure what they make.

    Attributes:
        folder: where pictures go.
    """

    shop: Workshop
    preset: Preset
    folder: Path
    gauges: Gauges

    def shape(self, prompt: str, seed: int) -> Facts:
        """The geometry stage, from the mean head."""
        with metered(self.shop.draw) as cost:
            shape = self._shaped(prompt, seed)
        facts = self.of_shape(shape) | cost.document()
        return facts | {"picture": self._picture(f"shape {prompt} {seed}", shape.vertices, None)}

    def colour(self, prompt: str, seed: int) -> Facts:
        """The texture stage, on the mean head."""
        head = self.shop.model.vertices()
        with metered(self.shop.draw) as cost:
            albedo = self._textured(prompt, seed, head)
        facts = self.of_texture(albedo) | cost.document()
        return facts | {"picture": self._picture(f"colour {prompt} {seed}", head, albedo)}

    def both(self, prompt: str, seed: int) -> Facts:
        """One stage after the other, as `generate` runs them."""
        with metered(self.shop.draw) as cost:
            shape = self._shaped(prompt, seed)
            albedo = self._textured(prompt, seed, shape.vertices)
        facts = self.of_texture(albedo) | self.of_shape(shape) | cost.document()
        return facts | {"picture": self._picture(f"both {prompt} {seed}", shape.vertices, albedo)}

    def placed(self, vertices: Float[Tensor, "V 3"]) -> dict[str, float]:
        """Where a head lies on each axis, by name."""
        found = self.gauges.judge.positions(vertices).tolist()
        return {axis.name: round(value, 4) for axis, value in zip(SHAPES, found, strict=True)}

    def _shaped(self, prompt: str, seed: int) -> Shape:
        settings, shop = self.preset.geometry, self.shop
        words = phrased(prompt, shop.family, "geometry", settings.style)
        return making.shaped(shop, self.preset, words, to_tensor(shop.albedo), seed, Watch())

    def _textured(self, prompt: str, seed: int, head: Float[Tensor, "1 V 3"]) -> UInt8[ndarray, "S S 3"]:
        settings, shop = self.preset.texture, self.shop
        words = phrased(prompt, shop.family, "texture", settings.style)
        return to_bytes(making.painted(shop, self.preset, words, head, to_tensor(shop.albedo), seed, Watch()))

    def of_shape(self, shape: Shape) -> Facts:
        """What the probes say of a head."""
        vertices = shape.vertices[0].numpy()
        scores = self.gauges.judge.scores(shape.vertices)[0].tolist()
        return {
            "positions": self.placed(shape.vertices[0]),
            "scores": [round(value, 3) for value in scores],
            "mahalanobis": round(float(shape.identity.norm()), 3),
            "mesh": mesh_quality(self.shop.model.topology, vertices, self.gauges.expressions),
        }

    def of_texture(self, albedo: UInt8[ndarray, "S S 3"]) -> Facts:
        """What they say of an albedo."""
        quality = texture_quality(self.shop.model.topology, self.gauges.chart, albedo, np.asarray(self.shop.albedo))
        chart = self.gauges.chart
        return {"colours": chart.colours(albedo), "regions": chart.region_colours(albedo), "texture": quality}

    def _picture(self, name: str, head: Float[Tensor, "1 V 3"], albedo: UInt8[ndarray, "S S 3"] | None) -> str:
        worn = None if albedo is None else to_tensor(albedo)
        whose = f"{self.preset.name} {type(self.shop.networks).__name__}"
        return save_picture(self.folder, f"{whose} {name}", views(self.shop, head, worn))


def views(
    shop: Workshop, head: Float[Tensor, "1 V 3"], texture: Float[Tensor, "1 3 S S"] | None
) -> UInt8[ndarray, "H W 3"]:
    """A head from VIEWS, side by side."""
    return np.concatenate([to_bytes(portrait(shop, head, texture, azimuth, PICTURE)) for azimuth in VIEWS], axis=1)


def save_picture(folder: Path, name: str, pixels: UInt8[ndarray, "H W 3"]) -> str:
    """Writes a JPEG below `folder`; returns its name there."""
    relative = f"pictures/{hashlib.sha256(name.encode()).hexdigest()[:16]}.jpg"
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=88)
    write_whole(folder / relative, stream.getvalue())
    return relative


def flattened(preset: Preset) -> dict[str, Any]:
    """A preset as the "stage.field" settings a job takes."""
    return {
        f"{stage}.{name}": value
        for stage, settings in preset.document().items()
        if isinstance(settings, dict)
        for name, value in settings.items()
    }
