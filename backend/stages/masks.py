"""What an edit may reach: texels and vertices, from named regions, a user's brush or attention."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray
from PIL import Image
from torch import Tensor

from ..errors import MaskInvalid
from ..face.layers import feather
from ..face.mesh import Topology
from ..render.picture import Surface
from ..render.uv import unwrapped

DRAWN = "draw it over albedo.png: white where the edit may reach, black elsewhere"
REACH = 0.35  # head units that the neighbourhood of a region follows a shape edit, falling off smoothly
EDGE = (0.08, 0.68)  # of a region's weight: where a texture edit begins, and where it is full
NOTICED = (
    0.75  # of fused attention, 0..1: what is above is meant; at 0.5 a mask of lips is five times as large as they are
)
FEATHER = 1 / 128  # of the square's side, that masks fade over where nothing else softens them


def texture_mask(topology: Topology, surface: Surface, region: tuple[str, ...], size: int) -> UInt8[ndarray, "S S"]:
    """(S, S) 255 where a texture edit is full, feathered inside the region; the whole skin where no region is named."""
    if region:
        weights = np.max([topology.region(name) for name in region], axis=0)
        drawn, covered = unwrapped(
            torch.from_numpy(weights)[:, None], surface.uvs, surface.faces, surface.uv_faces, size
        )
        across = ((drawn[0] - EDGE[0]) / (EDGE[1] - EDGE[0])).clamp(0, 1) * covered
        mask = across * across * (3 - 2 * across)  # so that no step shows where it begins
    else:
        mask = skin_texels(topology, surface, size).float()
    return (mask * 255).round().byte().numpy()


def read_mask(path: Path, size: int) -> UInt8[ndarray, "S S"]:
    """A user's brush: a grey or RGB picture as large as the albedo, 255 where the edit is full.

    Raises:
        MaskInvalid: it is not there, no picture, of another size, or empty.
    """
    try:
        with Image.open(path) as picture:
            mask = np.array(picture.convert("L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise MaskInvalid(f"{path} cannot be read as a picture: {error}", advice=DRAWN) from error
    if mask.shape != (size, size):
        raise MaskInvalid(
            f"{path} has {mask.shape[1]} x {mask.shape[0]} pixels, the albedo {size} x {size}", advice=DRAWN
        )
    if not mask.any():
        raise MaskInvalid(f"{path} is black all over: the edit could reach nothing", advice=DRAWN)
    return mask


def beyond(mask: UInt8[ndarray, "S S"], size: int) -> Bool[Tensor, "Z Z"]:
    """Texels of a smaller square that the mask leaves alone: what is optimised is then what the layer will show."""
    given = torch.from_numpy(mask)[None, None].float() / 255
    return torch.nn.functional.interpolate(given, (size, size), mode="area")[0, 0] < 0.02


def attention_mask(noticed: Float[Tensor, "1 1 S S"], skin: Bool[Tensor, "Z Z"]) -> UInt8[ndarray, "Z Z"]:
    """The skin that fused attention (0..1) notices, feathered; empty where it notices nothing."""
    size = skin.shape[0]
    grown = torch.nn.functional.interpolate(noticed, (size, size), mode="bilinear", align_corners=False)[0, 0]
    chosen = ((grown > NOTICED) & skin).byte().numpy() * np.uint8(255)
    return feather(chosen, max(1, round(size * FEATHER)))


def united(*masks: UInt8[ndarray, "S S"] | None) -> UInt8[ndarray, "S S"]:
    """Where any of them is, as far as the one that goes farthest; None counts as nowhere."""
    given = [mask for mask in masks if mask is not None]
    return np.maximum.reduce(given)


def agreed(drawn: UInt8[ndarray, "S S"], noticed: UInt8[ndarray, "S S"]) -> UInt8[ndarray, "S S"]:
    """The part of what is drawn that is noticed, all of it where nothing of it is."""
    both = np.minimum(drawn, noticed)
    return both if both.any() else drawn


def vertex_weights(
    topology: Topology, region: tuple[str, ...], mask: UInt8[ndarray, "S S"] | None
) -> Float[ndarray, " V"] | None:
    """(V,) how far each vertex lies in the regions or under the mask; None where neither is given."""
    found = [topology.region(name) for name in region]
    if mask is not None:
        size = len(mask)
        places = np.clip((topology.uvs * [1, -1] + [0, 1]) * size, 0, size - 1).astype(int)
        under = np.zeros(len(topology.rest), np.float32)
        np.maximum.at(under, topology.faces.ravel(), mask[places[:, 1], places[:, 0]][topology.uv_faces.ravel()] / 255)
        found.append(under)
    return np.max(found, axis=0) if found else None


def shape_weights(topology: Topology, inside: Float[ndarray, " V"] | None) -> Float[ndarray, " V"]:
    """(V,) how far each vertex follows a shape edit: 1 where it is inside, 0 beyond REACH; 1 everywhere without."""
    if inside is None:
        return np.ones(len(topology.rest), np.float32)
    named = topology.rest[inside > 0.5]
    if not len(named):
        return np.zeros(len(topology.rest), np.float32)
    distance = np.concatenate(
        [np.linalg.norm(part[:, None] - named[None], axis=2).min(axis=1) for part in np.array_split(topology.rest, 16)]
    )
    t = np.clip(1 - distance / REACH, 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def skin_texels(topology: Topology, surface: Surface, size: int) -> Bool[Tensor, "S S"]:
    skin = torch.from_numpy(topology.part_faces("skin")).long()
    ones = torch.ones(len(topology.rest), 1)
    return unwrapped(ones, surface.uvs, surface.faces[skin], surface.uv_faces[skin], size)[1]


def fixed_texels(topology: Topology, surface: Surface, size: int) -> Bool[Tensor, "S S"]:
    """Texels that no skin triangle covers: eyes, mouth and sockets keep what they are."""
    covered = skin_texels(topology, surface, size)
    grown = torch.nn.functional.max_pool2d(covered[None].float(), 5, stride=1, padding=2)[0] > 0
    others = torch.from_numpy(topology.part_faces(*(p for p in topology.part_names if p != "skin"))).long()
    ones = torch.ones(len(topology.rest), 1)
    _, taken = unwrapped(ones, surface.uvs, surface.faces[others], surface.uv_faces[others], size)
    return ~grown | taken
