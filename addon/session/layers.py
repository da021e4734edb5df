# SPDX-License-Identifier: GPL-3.0-or-later
"""A face's layers at other strengths, at once and to the byte: what the sidebar shows while a slider is dragged.

The arithmetic is that of `backend/face/layers.py`, whose `layers` job writes what is kept in the end.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .changes import add_offsets
from .face import Face, arrays_of

Texels = NDArray[np.uint8]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Layer:
    """One edit.

    Attributes:
        number: its place in the face that was saved, from 1.
        where: (N, 2) rows and columns of the mask's texels that are not 0; `weight` (N,) their mask / 255.
        delta: (N, 3) in 8-bit steps.
        weights: (V,), offsets: (V, 3) head units.
    """

    number: int
    name: str
    kind: str
    strength: float
    muted: bool
    where: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None
    weight: NDArray[np.float64] | None = None
    delta: NDArray[np.int16] | None = None
    weights: FloatArray | None = None
    offsets: FloatArray | None = None

    @property
    def silent(self) -> bool:
        return self.muted or self.strength == 0


@dataclass(frozen=True, eq=False)
class Stack:
    """A face's base and its layers, ready to be added up.

    Attributes:
        albedo: (S, S, 3), row 0 on top; `vertices` (V, 3): the face before its first layer.
    """

    albedo: Texels
    vertices: FloatArray
    layers: tuple[Layer, ...]

    def texels(self) -> Texels:
        """(S, S, 3) the face's albedo."""
        found = self.albedo.copy()
        for layer in self.layers:
            if layer.silent or layer.where is None or layer.weight is None or layer.delta is None:
                continue
            added = (layer.strength * layer.weight)[:, None] * layer.delta
            found[layer.where] = np.clip(np.rint(found[layer.where] + added), 0, 255)
        return found

    def points(self) -> FloatArray:
        """(V, 3) the resting face, in head units."""
        found = self.vertices
        for layer in self.layers:
            if not layer.silent and layer.weights is not None and layer.offsets is not None:
                found = add_offsets(found, layer.strength, layer.weights, layer.offsets)
        return found

    def changed(self, number: int, *, strength: float | None = None, muted: bool | None = None) -> "Stack":
        """The same with one layer, by its number, otherwise."""
        changes = {name: value for name, value in (("strength", strength), ("muted", muted)) if value is not None}
        layers = tuple(replace(layer, **changes) if layer.number == number else layer for layer in self.layers)
        return replace(self, layers=layers)

    def moved(self, number: int, by: int) -> "Stack":
        """The same with one layer `by` places later; where that is beyond an end, as it was."""
        order = [layer.number for layer in self.layers]
        place = order.index(number) + by
        if not 0 <= place < len(order):
            return self
        layers = [layer for layer in self.layers if layer.number != number]
        layers.insert(place, next(layer for layer in self.layers if layer.number == number))
        return replace(self, layers=tuple(layers))


def read_stack(face: Face, mask_of: Callable[[bytes], Texels]) -> Stack:
    """The face's layers; `mask_of` reads a mask's PNG as (S, S) grey.

    Raises:
        ValueError: a file of the face is damaged.
    """
    base = arrays_of(face.files["base.npz"])
    layers = []
    for number, entry in enumerate(face.document["layers"], start=1):
        inside = f"layers/{number:02d}"
        delta = arrays_of(face.files[f"{inside}/delta.npz"])
        layer = Layer(number, entry["name"], entry["kind"], float(entry["strength"]), entry["muted"])
        if "texels" in delta and f"{inside}/mask.png" in face.files:
            mask = mask_of(face.files[f"{inside}/mask.png"])
            where = np.nonzero(mask)
            layer = replace(layer, where=where, weight=mask[where] / 255.0, delta=delta["texels"][where])
        if "offsets" in delta and f"{inside}/weights.npz" in face.files:
            weights = arrays_of(face.files[f"{inside}/weights.npz"])["weights"]
            layer = replace(layer, weights=weights, offsets=delta["offsets"])
        layers.append(layer)
    return Stack(base["albedo"], base["vertices"], tuple(layers))
