"""Finished faces as pictures for people: previews, portraits, contact-sheet rows."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image
from torch import Tensor

from .face.layers import Face, albedo, vertices
from .render.camera import Cameras
from .render.light import display_light
from .render.picture import look
from .render.sheet import Row
from .workshop import Workshop

GROUND = 0.24  # sRGB grey behind portraits
PREVIEW = 256


def to_tensor(texels: UInt8[ndarray, "S S 3"]) -> Float[Tensor, "1 3 S S"]:
    return torch.from_numpy(texels.copy()).permute(2, 0, 1)[None].float() / 255


def to_bytes(images: Float[Tensor, "1 3 H W"]) -> UInt8[ndarray, "H W 3"]:
    return (images[0].permute(1, 2, 0) * 255).round().clamp(0, 255).byte().numpy()


@torch.no_grad()
def portrait(
    shop: Workshop, head: Float[Tensor, "1 V 3"], texture: Float[Tensor, "1 3 S S"] | None, azimuth: float, size: int
) -> Float[Tensor, "1 3 H W"]:
    """One view in the display light, grey where there is no texture, each pixel the mean of four."""
    cameras = Cameras(torch.tensor([float(azimuth)]), torch.zeros(1))
    scene = look(shop.surface, head, cameras, display_light(), 2 * size)
    picture = scene.textureless(GROUND) if texture is None else scene.textured(texture, GROUND)
    return torch.nn.functional.avg_pool2d(picture, 2)


def preview(shop: Workshop, face: Face) -> bytes:
    """The face from the front, as a PNG file."""
    head = torch.from_numpy(vertices(face))[None]
    picture = portrait(shop, head, to_tensor(albedo(face)), 0.0, PREVIEW)
    buffer = BytesIO()
    Image.fromarray(to_bytes(picture)).save(buffer, "PNG")
    return buffer.getvalue()


def rows_of(shop: Workshop, steps: Sequence[tuple[str, Face]], azimuths: Sequence[float], size: int = 320) -> list[Row]:
    """A contact-sheet row a step: each azimuth grey, then each textured."""
    rows: list[Row] = []
    for name, face in steps:
        head, texture = torch.from_numpy(vertices(face))[None], to_tensor(albedo(face))
        views = [
            (f"{azimuth:g}° {kind}", Image.fromarray(to_bytes(portrait(shop, head, worn, azimuth, size))))
            for kind, worn in (("shape", None), ("textured", texture))
            for azimuth in azimuths
        ]
        rows.append((name, views))
    return rows
