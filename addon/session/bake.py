# SPDX-License-Identifier: GPL-3.0-or-later
"""Values at a mesh's corners as a picture in its UV square."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
_DENSITY = 1.5  # samples a texel along each side of a quad, so that none is missed
_GRIDS = (4, 8, 16, 32, 64, 128, 256, 512)  # samples a side that a quad may take
_CHUNK = 1 << 21  # samples at a time


def bake(quads_uv: FloatArray, values: FloatArray, size: int) -> NDArray[np.uint8]:
    """(S, S) grey of values 0..1, row 0 on top, 0 where there is no mesh; a texel beyond an edge takes its neighbour's.

    Args:
        quads_uv: (Q, 4, 2) from bottom left; triangles repeat a corner. `values` (Q, 4) at the same corners.
    """
    picture = np.full((size, size), -1.0, np.float32)
    extent = (quads_uv.max(axis=1) - quads_uv.min(axis=1)).max(axis=1) * size * _DENSITY
    grids = np.searchsorted(_GRIDS, extent).clip(0, len(_GRIDS) - 1)
    for index, grid in enumerate(_GRIDS):
        chosen = np.flatnonzero(grids == index)
        for first in range(0, len(chosen), max(1, _CHUNK // grid**2)):
            some = chosen[first : first + max(1, _CHUNK // grid**2)]
            _splat(picture, quads_uv[some], values[some], grid)
    covered = picture >= 0
    grown = np.where(covered, picture, _greatest_neighbour(picture))
    return np.rint(np.clip(grown, 0, 1) * 255).astype(np.uint8)


def _splat(picture: FloatArray, quads_uv: FloatArray, values: FloatArray, grid: int) -> None:
    """Writes bilinear samples of the quads into the picture, in place; the greatest of a texel's stays."""
    size = len(picture)
    share = (np.arange(grid, dtype=np.float32) + 0.5) / grid
    across, up = np.meshgrid(share, share)
    weights = np.stack([(1 - across) * (1 - up), across * (1 - up), across * up, (1 - across) * up], axis=-1)
    places = np.einsum("ghc,qcx->qghx", weights, quads_uv).reshape(-1, 2)
    found = np.einsum("ghc,qc->qgh", weights, values).reshape(-1)
    column = (places[:, 0] * size).astype(int).clip(0, size - 1)
    row = ((1 - places[:, 1]) * size).astype(int).clip(0, size - 1)
    np.maximum.at(picture, (row, column), found)


def _greatest_neighbour(picture: FloatArray) -> FloatArray:
    padded = np.pad(picture, 1, constant_values=-1)
    height, width = picture.shape
    around = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.maximum.reduce(around)
