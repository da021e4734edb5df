"""An instruction becomes a layer: where it goes, what it is locked to, by which way it is made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from . import making
from .errors import CheckpointsChanged, MaskInvalid, UsageError
from .face.layers import Face, Layer, albedo, coefficients, compose
from .face.sliders import ranges
from .language.heard import hear
from .moves import Move, moves_of
from .pictures import to_bytes, to_tensor
from .router import route
from .settings import Preset
from .stages import edit, guiding, masks
from .stages.optimise import Watch
from .workshop import Workshop

SCOPES = {"both": ("geometry", "texture")}
ADVICE = "draw it over albedo.png: white where the edit may reach, black elsewhere"


@dataclass(frozen=True)
class Asked:
    """What a user wants changed.

    Attributes:
        scope: auto, geometry, texture or both.
        region, mask: named regions and a picture the size of the albedo; together they are where the edit may reach,
            in place of what the instruction names.
    """

    instruction: str
    scope: str = "auto"
    region: tuple[str, ...] = ()
    mask: UInt8[ndarray, "S S"] | None = None
    strength: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Way:
    """How an instruction is carried out.

    Attributes:
        told: the instruction in words of the family.
        moves: sliders to move; empty where the networks are asked.
        scopes: what changes, geometry and texture.
        region: names that the edit is locked to; empty is the whole head.
    """

    told: str
    moves: tuple[Move, ...]
    scopes: tuple[str, ...]
    region: tuple[str, ...]


@dataclass(frozen=True)
class Made:
    """A layer, the hashes of the networks that made it, words they do not know, and sentences for the user."""

    layer: Layer
    checkpoints: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


def way_of(asked: Asked, shop: Workshop, preset: Preset) -> Way:
    """By slider where the instruction names one that the head has and neither scope nor lock says otherwise.

    Raises:
        UsageError: a region the head does not have; or it has none of those that the instruction means.
    """
    names = shop.model.topology.region_names
    if wrong := [name for name in asked.region if name not in names]:
        raise UsageError(f"no region {', '.join(wrong)}", advice=f"there are {', '.join(names)}")
    heard = hear(asked.instruction, shop.family.closed, keys=False)
    found = route(heard.text)
    locked = bool(asked.region) or asked.mask is not None
    region = asked.region if locked else tuple(name for name in found.region if name in names)
    scope = found.scope if asked.scope == "auto" else asked.scope
    moves = moves_of(asked.instruction) or (() if heard.unknown else moves_of(heard.text))
    known = {name for move in moves for name, _, _ in move.axis.sliders} <= set(shop.model.slider_names)
    if moves and known and not locked and asked.scope in ("auto", "geometry") and preset.edit.route == "auto":
        shown = {name for move in moves for name in move.axis.regions if name in names}
        return Way(heard.text, moves, ("geometry",), tuple(sorted(shown)))
    if found.region and not region and not locked:
        raise UsageError(f"no region {', '.join(found.region)}", advice=f"name one: {', '.join(names)}")
    return Way(heard.text, (), SCOPES.get(scope, (scope,)), region)


def made(
    shop: Workshop, old: Face, preset: Preset, asked: Asked, way: Way, watch: dict[str, Watch], *, force: bool = False
) -> Made:
    """The layer that the way makes on a face.

    Args:
        watch: by scope.
        force: also where the face was made by other networks than those here.

    Raises:
        UsageError: sliders that are at their ends.
        CheckpointsChanged: see `force`.
        EmptyPrompt, UnknownWords: the networks know no word of the instruction.
    """
    layer = Layer(
        name=asked.instruction[:60],
        instruction=asked.instruction,
        kind="both" if len(way.scopes) == 2 else way.scopes[0],
        scope=asked.scope,
        region=way.region,
        strength=float(asked.strength),
        seed=asked.seed,
        details={"route": "slider" if way.moves else "optimise"},
    )
    if way.moves:
        return Made(_slid(shop, old, layer, way.moves))
    told, unknown, messages = making.instructed(shop, asked.instruction)
    hashes = shop.networks.hashes("instruct-edit")
    other = changed_checkpoints(old, {**shop.networks.hashes("text-to-image"), **hashes}, force)
    drawn = {} if asked.mask is None else {"brush": True}
    changed = {"other_networks": other} if other else {}
    layer = replace(layer, details={**layer.details, **drawn, **changed, "lock": bool(way.region or drawn)})
    way = replace(way, told=told)
    if "geometry" in way.scopes:
        layer = replace(layer, **_shaped(shop, old, preset, asked, way, watch["geometry"]))
    if "texture" in way.scopes:
        layer = replace(layer, **_textured(shop, old, preset, asked, way, watch["texture"]))
    return Made(layer, hashes, unknown, messages)


def _slid(shop: Workshop, old: Face, layer: Layer, moves: tuple[Move, ...]) -> Layer:
    """The sliders at their new places, exactly: offsets are the head there less the head here.

    Raises:
        UsageError: they are all at their ends.
    """
    model = shop.model
    limits = dict(zip(model.slider_names, ranges(model).tolist(), strict=True))
    start = dict(zip(model.slider_names, coefficients(old)[1].tolist(), strict=True))
    end = dict(start)
    for move in moves:
        spans = {name: (low, high) for name, low, high in move.axis.sliders}
        now = np.mean([(end[name] - low) / (high - low) * 2 - 1 for name, (low, high) in spans.items()])
        for name, (low, high) in spans.items():
            wanted = end[name] + move.distance(float(now)) * (high - low) / 2
            least, most = limits[name]
            end[name] = min(max(wanted, min(least, end[name])), max(most, end[name]))
    places = torch.tensor([[start[name] for name in model.slider_names], [end[name] for name in model.slider_names]])
    before, after = model.slider_offsets(places).view(2, -1, 3)
    offsets = (after - before).numpy()
    weights = (offsets != 0).any(axis=1).astype(np.float32)
    if not weights.any():
        raise UsageError(
            f"{layer.instruction!r}: the head model's sliders are at their ends",
            advice="--set edit.route=optimise asks the networks instead",
        )
    moved = {name: end[name] - start[name] for name in start if end[name] != start[name]}
    added = (places[1] - places[0]).numpy()
    return replace(layer, weights=weights, offsets=offsets, sliders=added, details={**layer.details, "sliders": moved})


def _shaped(shop: Workshop, old: Face, preset: Preset, asked: Asked, way: Way, watch: Watch) -> dict[str, Any]:
    """weights and offsets of a shape edit by the networks."""
    settings, topology = preset.edit_geometry, shop.model.topology
    guidance, text = guiding.editing(shop.edit, settings, way.told)
    weights = masks.shape_weights(topology, masks.vertex_weights(topology, way.region, asked.mask))
    head = making.start(shop, old)[1]
    pull = torch.from_numpy(weights)
    offsets = edit.edit_geometry(shop.model, shop.surface, head, pull, guidance, text, settings, asked.seed, watch)
    return {"weights": weights, "offsets": offsets.numpy()}


def _textured(shop: Workshop, old: Face, preset: Preset, asked: Asked, way: Way, watch: Watch) -> dict[str, Any]:
    """mask and texels of a texture edit by the networks."""
    settings, topology, side = preset.edit_texture, shop.model.topology, shop.family.texture
    guidance, text = guiding.editing(shop.edit, settings, way.told)
    before = albedo(old)
    mask = masks.texture_mask(topology, shop.surface, way.region, before.shape[0])
    if asked.mask is not None:
        mask = np.maximum(mask, asked.mask) if way.region else asked.mask
    after = edit.edit_texture(
        shop.surface,
        making.start(shop, old)[1],
        to_tensor(before),
        masks.fixed_texels(topology, shop.surface, side) | masks.beyond(mask, side),
        guidance,
        text,
        settings,
        asked.seed,
        watch,
    )
    return {"mask": mask, "texels": compose(before, to_bytes(after), mask)}


def read_mask(path: Path, size: int) -> UInt8[ndarray, "S S"]:
    """A user's brush: a grey or RGB picture as large as the albedo, 255 where the edit is full.

    Raises:
        MaskInvalid: it is not there, no picture, of another size, or empty.
    """
    try:
        with Image.open(path) as picture:
            mask = np.array(picture.convert("L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise MaskInvalid(f"{path} cannot be read as a picture: {error}", advice=ADVICE) from error
    if mask.shape != (size, size):
        raise MaskInvalid(
            f"{path} has {mask.shape[1]} x {mask.shape[0]} pixels, the albedo {size} x {size}", advice=ADVICE
        )
    if not mask.any():
        raise MaskInvalid(f"{path} is black all over: the edit could reach nothing", advice=ADVICE)
    return mask


def changed_checkpoints(old: Face, hashes: dict[str, str], force: bool) -> list[str]:
    """Which of the networks that made a face are others today.

    Raises:
        CheckpointsChanged: some are, and `force` is off.
    """
    other = sorted(name for name, digest in hashes.items() if old.checkpoints.get(name, digest) != digest)
    if other and not force:
        raise CheckpointsChanged(
            f"the face was made by other networks than those here: {', '.join(other)}",
            advice="--force edits it with these; the layers it has stay as they are",
        )
    return other
