# SPDX-License-Identifier: GPL-3.0-or-later
"""What the embedded head's semantic sliders do, by numpy alone: the same sums as the backend's face model."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
SAMPLED = 16  # a vertex in so many
UNSEEN = 1e-3  # head units, a tenth of a millimetre


@dataclass(frozen=True, eq=False)
class Sliders:
    """Phenotypes first (products of shares), then local sliders (a row for each side of 0).

    Attributes:
        names, labels, groups: (S,); `ranges` (S, 2), `defaults` (S,).
        anchors: for each phenotype the values at which its variations are pure; `mixed`: those that share out 1.
        mask: (K, N) 1 where a row is bound to a variation.
        rows: (K + 2 L, V, 3) integers; `steps` (K + 2 L,) head units of one.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    ranges: FloatArray
    defaults: FloatArray
    anchors: tuple[FloatArray, ...]
    mixed: int
    mask: FloatArray
    rows: NDArray[np.int16]
    steps: FloatArray

    def weights(self, values: FloatArray) -> FloatArray:
        """(K + 2 L,) how much of each row the values (S,) take."""
        count = len(self.anchors) + self.mixed
        mixed = values[len(self.anchors) : count]
        shares = [mixed / max(float(mixed.sum()), 1e-6)]
        for value, anchors in zip(values, self.anchors, strict=False):
            places = np.arange(len(anchors), dtype=np.float32)
            distance = np.abs(np.interp(value, anchors, places) - places)
            shares.append(np.clip(1 - distance, 0, 1).astype(np.float32))
        share = np.concatenate(shares)
        local = values[count:]
        both_sides = np.stack([np.clip(local, 0, None), np.clip(-local, 0, None)], axis=1)
        products = np.where(self.mask > 0, share, 1).prod(axis=1)
        return np.concatenate([products, both_sides.reshape(-1)]).astype(np.float32)

    def difference(self, before: FloatArray, after: FloatArray) -> FloatArray:
        """(V, 3) how the head moves from the one setting of the sliders (S,) to the other, in head units."""
        weight = (self.weights(after) - self.weights(before)) * self.steps
        moved = np.flatnonzero(weight)
        return np.einsum("k,kvd->vd", weight[moved], self.rows[moved].astype(np.float32)).astype(np.float32)

    @cached_property
    def still(self) -> frozenset[str]:
        """Names of those that move nothing of the head, such as Anny's of the body.

        Told by every few vertices where a slider is of the whole person, by all where it is of a part.
        """
        count, products = len(self.anchors) + self.mixed, len(self.mask)
        few = self.rows[:products, ::SAMPLED].astype(np.float32) * self.steps[:products, None, None]
        reach = np.abs(self.rows[products:]).reshape(len(self.names) - count, 2, -1).max(axis=2)
        farthest = (reach * self.steps[products:].reshape(-1, 2)).max(axis=1)
        for index in reversed(range(count)):
            ends = np.repeat(self.defaults[None], 2, axis=0)
            ends[:, index] = self.ranges[index]
            weights = np.stack([self.weights(end) for end in ends]) - self.weights(self.defaults)
            moved = np.einsum("nk,kvd->nvd", weights[:, :products], few)
            farthest = np.insert(farthest, 0, np.abs(moved).max())
        return frozenset(name for name, far in zip(self.names, farthest, strict=True) if far < UNSEEN)


def read_sliders(values: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Sliders:
    """The sliders of a head file's arrays and its `meta`."""
    names = ("slider_names", "slider_labels", "slider_groups")
    return Sliders(
        *(tuple(values[name].tolist()) for name in names),
        ranges=values["slider_ranges"].astype(np.float32),
        defaults=np.array(meta["slider_defaults"], np.float32),
        anchors=tuple(np.array(anchors, np.float32) for anchors in meta["phenotype_anchors"].values()),
        mixed=len(meta["phenotype_mixed"]),
        mask=values["phenotype_mask"].astype(np.float32),
        rows=np.concatenate([values["phenotype_rows"], values["local_rows"]]),
        steps=np.concatenate([values["phenotype_steps"], values["local_steps"]]).astype(np.float32),
    )
