"""A face is a base followed by its layers: the exact arithmetic of edits, in numpy alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .mesh import FloatArray

TexelArray = NDArray[np.uint8]
DeltaArray = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Layer:
    """One edit, as a difference within a mask.

    Attributes:
        kind: texture, geometry or both.
        scope: what was asked for: auto, or one of the kinds.
        region: names of the regions the mask was made of.
        strength: 1 is the edit as it was made, 0 leaves everything as it was; absolute, never cumulative.
        mask: (S, S), 255 where the edit is full; 0 means untouched bytes.
        weights: (V,) 0..1, the same for vertices.
        texels: (S, S, 3), in 8-bit steps.
        offsets: (V, 3), in head units; what of them the coefficients say, if they say it, is `identity`, `sliders`.
        identity, sliders: (I,), (S,), what the edit adds to the face's coefficients; a record, see `coefficients`.
        details: how the layer was made, for people: "route" (slider or optimise), "sliders" (name -> how far it moved),
            where the mask is from.
    """

    name: str
    instruction: str
    kind: str
    scope: str
    region: tuple[str, ...] = ()
    strength: float = 1.0
    muted: bool = False
    mask: TexelArray | None = None
    weights: FloatArray | None = None
    texels: DeltaArray | None = None
    offsets: FloatArray | None = None
    identity: FloatArray | None = None
    sliders: FloatArray | None = None
    seed: int = 0
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Face:
    """One face with its whole history.

    Attributes:
        kind: generate, edit, layers or import: what made this face of its parent.
        parent: the id of the face this one was made of.
        checkpoints: sha256 by name; `licences`: SPDX by name.
        identity, sliders, expression: (I,), (S,), (E,), in standard deviations; offsets: (V, 3), head units;
            of the face before its first layer, as are the next two.
        base_vertices: (V, 3), base_albedo: (S, S, 3) sRGB with row 0 on top: the face before its first layer.
        expressions: (E, V, 3), differences from the resting face.
        words: what was said to the networks, by stage, and what the prompt says of the expression.
        preview: a PNG file.
    """

    prompt: str
    instruction: str | None
    kind: str
    head: str
    topology_id: str
    preset: str
    family: str
    seed: int
    parent: str | None
    identity: FloatArray
    sliders: FloatArray
    expression: FloatArray
    offsets: FloatArray
    base_vertices: FloatArray
    base_albedo: TexelArray
    expressions: FloatArray
    layers: tuple[Layer, ...] = ()
    checkpoints: dict[str, str] = field(default_factory=dict)
    licences: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    words: dict[str, Any] = field(default_factory=dict)
    preview: bytes | None = None


def add_texels(albedo: TexelArray, layer: Layer) -> TexelArray:
    """(S, S, 3) clamp(round(texel + strength · mask/255 · delta)), halves to even; mask 0 keeps its bytes."""
    if layer.muted or layer.strength == 0 or layer.mask is None or layer.texels is None:
        return albedo
    inside = np.nonzero(layer.mask)
    weight = layer.strength * (layer.mask[inside].astype(np.float64)[:, None] / 255)
    changed = albedo.copy()
    changed[inside] = np.clip(np.rint(albedo[inside] + weight * layer.texels[inside]), 0, 255)
    return changed


def add_offsets(vertices: FloatArray, layer: Layer) -> FloatArray:
    """(V, 3) vertices + strength · weights · offsets in float32; weight 0 keeps its bytes."""
    if layer.muted or layer.strength == 0 or layer.weights is None or layer.offsets is None:
        return vertices
    inside = np.nonzero(layer.weights)
    weight = np.float32(layer.strength) * layer.weights[inside][:, None]
    changed = vertices.copy()
    changed[inside] += weight * layer.offsets[inside]
    return changed


def albedo(face: Face) -> TexelArray:
    """(S, S, 3) the face's albedo as it is now: the base followed by its layers in order."""
    texels = face.base_albedo
    for layer in face.layers:
        texels = add_texels(texels, layer)
    return texels


def vertices(face: Face) -> FloatArray:
    """(V, 3) the resting face as it is now: the base followed by its layers in order."""
    positions = face.base_vertices
    for layer in face.layers:
        positions = add_offsets(positions, layer)
    return positions


def coefficients(face: Face) -> tuple[FloatArray, FloatArray]:
    """(I,) identity and (S,) sliders of the face as it is now: sliders to show, and to start the next edit from.

    The layers' are added with their strengths. They tell nothing of where an edit was locked: vertices do.
    """
    identity, sliders = face.identity.copy(), face.sliders.copy()
    for layer in face.layers:
        for total, added in ((identity, layer.identity), (sliders, layer.sliders)):
            if added is not None and not layer.muted:
                total += np.float32(layer.strength) * added
    return identity, sliders


def compose(before: TexelArray, after: TexelArray, mask: TexelArray) -> DeltaArray:
    """(S, S, 3) the delta of a layer that at strength 1 shows `after` through `mask`, over `before`."""
    return np.where(mask[..., None] > 0, after.astype(np.int16) - before.astype(np.int16), np.int16(0))


def feather(mask: TexelArray, radius: int) -> TexelArray:
    """(S, S) the mask, fading over `radius` texels towards its border from within: 0 stays 0.

    Beyond the picture nothing is a border. Masks that cross a seam are grown into the gutter first.
    """
    shrunk = mask
    total = mask.astype(np.uint32)
    for step in range(radius):
        shrunk = _shrink(shrunk, diagonal=step % 2 == 1)
        total += shrunk
    return ((total + radius) // (radius + 1)).astype(np.uint8)


def _shrink(mask: TexelArray, *, diagonal: bool) -> TexelArray:
    """The least of each texel's neighbourhood; plus and square in turn make distances octagonal."""
    padded = np.pad(mask, 1, mode="edge")
    across = np.minimum(np.minimum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    if diagonal:
        return np.minimum(np.minimum(across[:-2], across[1:-1]), across[2:])
    upright = np.minimum(padded[:-2, 1:-1], padded[2:, 1:-1])
    return np.minimum(across[1:-1], upright)
