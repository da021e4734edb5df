"""Finished faces as pictures for people: previews, portraits, contact-sheet rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image
from torch import Tensor

from . import provenance
from .face.layers import Face, Layer, albedo, vertices
from .face.saved import document_of, png
from .render.backgrounds import BLACK, blended_colours, random_colours
from .render.camera import Cameras
from .render.light import display_light
from .render.picture import Surface, look
from .render.sheet import Row
from .render.uv import unwrapped
from .workshop import Workshop

GROUND = 0.24  # sRGB grey behind portraits
PREVIEW = 256
AWAY = (0.62, 0.5)  # how large a head with shoulders is drawn, and head units upwards
REACHED = (0.7, (0.85, 0.15, 0.12), (0.2, 0.4, 0.9))  # grey beyond an edit's reach, its texels, its vertices
KIND = 192  # pixels of a picture in the sheet of all kinds


def to_tensor(texels: UInt8[ndarray, "S S 3"]) -> Float[Tensor, "1 3 S S"]:
    return torch.from_numpy(texels.copy()).permute(2, 0, 1)[None].float() / 255


def to_bytes(images: Float[Tensor, "1 3 H W"]) -> UInt8[ndarray, "H W 3"]:
    return (images[0].permute(1, 2, 0) * 255).round().clamp(0, 255).byte().numpy()


@torch.no_grad()
def portrait(
    shop: Workshop, head: Float[Tensor, "1 V 3"], texture: Float[Tensor, "1 3 S S"] | None, azimuth: float, size: int
) -> Float[Tensor, "1 3 H W"]:
    """One view in the display light, grey where there is no texture, each pixel the mean of four."""
    return _drawn(shop.surface, head, texture, azimuth, size)


@torch.no_grad()
def bust(
    shop: Workshop,
    head: Float[Tensor, "1 V 3"],
    texture: Float[Tensor, "1 3 S S"] | None,
    azimuth: float,
    size: int,
    bent: Float[Tensor, "1 V 3"] | None = None,
) -> Float[Tensor, "1 3 H W"]:
    """`portrait` from further off, with neck and shoulders; `bent` is an expression's difference from the head."""
    below = shop.shoulders.below(head[0].numpy() - shop.model.topology.rest)
    if bent is not None:
        head, below = head + bent, below + shop.shoulders.drawn(bent[0].numpy())
    whole = torch.cat([head, torch.from_numpy(below)[None]], dim=1) * AWAY[0] + torch.tensor([0.0, AWAY[1], 0.0])
    return _drawn(shop.bust[1], whole, texture, azimuth, size)


def _drawn(
    surface: Surface, head: Float[Tensor, "1 V 3"], texture: Tensor | None, azimuth: float, size: int
) -> Float[Tensor, "1 3 H W"]:
    cameras = Cameras(torch.tensor([float(azimuth)]), torch.zeros(1))
    scene = look(surface, head, cameras, display_light(), 2 * size)
    picture = scene.textureless(GROUND) if texture is None else scene.textured(texture, GROUND)
    return torch.nn.functional.avg_pool2d(picture, 2)


def preview(shop: Workshop, face: Face) -> bytes:
    """The face from the front, as a PNG file."""
    head = torch.from_numpy(vertices(face))[None]
    picture = portrait(shop, head, to_tensor(albedo(face)), 0.0, PREVIEW)
    return provenance.into_png(png(to_bytes(picture)), provenance.of_face(document_of(face)))


def rows_of(
    shop: Workshop,
    steps: Sequence[tuple[str, Face]],
    azimuths: Sequence[float],
    size: int = 320,
    *,
    shoulders: bool = False,
) -> list[Row]:
    """A contact-sheet row a step: each azimuth grey, then each textured."""
    view = bust if shoulders else portrait
    rows: list[Row] = []
    for name, face in steps:
        head, texture = torch.from_numpy(vertices(face))[None], to_tensor(albedo(face))
        views = [
            (f"{azimuth:g}° {kind}", Image.fromarray(to_bytes(view(shop, head, worn, azimuth, size))))
            for kind, worn in (("shape", None), ("textured", texture))
            for azimuth in azimuths
        ]
        rows.append((name, views))
    return rows


def rows_asked(
    shop: Workshop, face: Face, azimuths: Sequence[float], *, kinds: bool, strip: bool, shoulders: bool
) -> list[Row]:
    """The rows of a sheet of one face, as a user wants it."""
    if kinds:
        return kinds_of(shop, face, azimuths)
    if strip:
        return strip_of(shop, face, azimuths)
    return rows_of(shop, [(face.instruction or face.prompt, face)], azimuths, shoulders=shoulders)


def strip_of(shop: Workshop, face: Face, azimuths: Sequence[float], size: int = 256) -> list[Row]:
    """A row for the face before its edits and after each of them: every azimuth, and the edit's mask from the first."""
    rows: list[Row] = []
    for count in range(len(face.layers) + 1):
        layer = face.layers[count - 1] if count else None
        now = replace(face, layers=face.layers[:count])
        head, texture = torch.from_numpy(vertices(now))[None], to_tensor(albedo(now))
        shown = [
            (f"{azimuth:g}°", Image.fromarray(to_bytes(portrait(shop, head, texture, azimuth, size))))
            for azimuth in azimuths
        ]
        if layer:
            reached = portrait(shop, head, reach_of(shop, layer, texture.shape[-1]), azimuths[0], size)
            shown.append(("mask", Image.fromarray(to_bytes(reached))))
        muted = " (muted)" if layer and layer.muted else ""
        rows.append((f"{count}. {layer.instruction}{muted}" if layer else face.prompt, shown))
    return rows


def reach_of(shop: Workshop, layer: Layer, size: int) -> Float[Tensor, "1 3 S S"]:
    """What an edit may change, as a texture: red the texels of its mask, blue the vertices of its weights."""
    texture = torch.full((1, 3, size, size), REACHED[0])
    places = []
    if layer.mask is not None:
        places.append((REACHED[1], torch.tensor(layer.mask).float() / 255))
    if layer.weights is not None:
        weights = torch.tensor(layer.weights)[:, None]
        surface = shop.surface
        places.append((REACHED[2], unwrapped(weights, surface.uvs, surface.faces, surface.uv_faces, size)[0][0]))
    for colour, cover in places:
        texture = texture + cover * (torch.tensor(colour).view(1, 3, 1, 1) - texture)
    return texture


@torch.no_grad()
def kinds_of(shop: Workshop, face: Face, azimuths: Sequence[float]) -> list[Row]:
    """A contact-sheet row an azimuth: every kind of picture that the stages can look at, pixel by pixel as they do."""
    head, texture = torch.from_numpy(vertices(face))[None], to_tensor(albedo(face))
    count, generator = len(azimuths), torch.Generator().manual_seed(0)
    cameras = Cameras(torch.tensor(list(azimuths)), torch.zeros(count))
    plain, smooth = (
        look(shop.surface, head, cameras, display_light(), KIND, antialias=on, mipmaps=on) for on in (False, True)
    )
    latents = shop.draw.encode(torch.nn.functional.interpolate(texture, (PREVIEW, PREVIEW), mode="area"))[:, :3]
    low, high = latents.flatten(2).quantile(torch.tensor([0.02, 0.98]), dim=2)[..., None, None]
    kinds = {
        "grey": plain.textureless(),
        "grey, antialiased": smooth.textureless(),
        "textured": plain.textured(texture),
        "antialiased, mip-mapped": smooth.textured(texture),
        "unlit": smooth.unlit(texture, GROUND),
        "latents as a texture": plain.unlit(((latents - low) / (high - low)).clamp(0, 1)),
        "normals of the head": smooth.normal_map(),
        "normals of the camera": smooth.normal_map(of_camera=True),
        "depth, near bright": plain.depth(),
        "depth, as released": plain.depth(near_bright=False),
        "mask": smooth.mask().expand(-1, 3, -1, -1),
        "on black": smooth.textured(texture, BLACK),
        "on a colour": smooth.textured(texture, random_colours(count, generator)),
        "on a blend": smooth.textured(texture, blended_colours(count, KIND, generator)),
    }
    return [
        (
            f"{azimuth:g}°",
            [(name, Image.fromarray(to_bytes(drawn[number : number + 1]))) for name, drawn in kinds.items()],
        )
        for number, azimuth in enumerate(azimuths)
    ]
