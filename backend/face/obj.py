"""Reads Wavefront OBJ files: what face models are published as."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from ..errors import HeadInvalid

ADVICE = "fetch the file again: it may have been cut off on its way"


@dataclass(frozen=True)
class Obj:
    """One mesh of triangles and quads.

    Attributes:
        polygons: (F, 4) into `vertices`, -1 at the end of a triangle.
        uv_polygons: (F, 4) into `uvs`, likewise; all -1 where a polygon has none.
    """

    vertices: Float[ndarray, "V 3"]
    uvs: Float[ndarray, "T 2"]
    polygons: Int[ndarray, "F 4"]
    uv_polygons: Int[ndarray, "F 4"]

    def triangles(self) -> tuple[Int[ndarray, "F3 3"], Int[ndarray, "F3 3"], Int[ndarray, " F3"], int]:
        """Triangles, those in `uvs`, the polygon each came from, and how many quads there are.

        Quads come first, cut from their first corner to their third: quad i becomes the triangles 2i and 2i+1.
        """
        quads = np.flatnonzero(self.polygons[:, 3] >= 0)
        lone = np.flatnonzero(self.polygons[:, 3] < 0)

        def cut(polygons: Int[ndarray, "F 4"]) -> Int[ndarray, "F3 3"]:
            halves = polygons[quads][:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
            return np.concatenate([halves, polygons[lone, :3]])

        return cut(self.polygons), cut(self.uv_polygons), np.concatenate([quads.repeat(2), lone]), len(quads)


def read(path: Path) -> Obj:
    """A whole file; normals, groups and materials are left out.

    Raises:
        HeadInvalid: absent, cut off, a value that is no number, an index beyond what there is.
    """
    lines = _lines(path)
    vertices, uvs = _numbers(path, lines, "v", 3), _numbers(path, lines, "vt", 2)
    polygons: list[list[int]] = []
    uv_polygons: list[list[int]] = []
    for line in lines:
        if line.startswith("f "):
            corners = [corner.split("/") for corner in line.split()[1:]]
            if not 3 <= len(corners) <= 4:
                raise HeadInvalid(f"{path}: a face of {len(corners)} corners, expected 3 or 4", advice=ADVICE)
            pad = [-1] * (4 - len(corners))
            try:
                polygons.append([int(corner[0]) - 1 for corner in corners] + pad)
                uv_polygons.append([int(corner[1] or 0) - 1 if corner[1:] else -1 for corner in corners] + pad)
            except ValueError as error:
                raise HeadInvalid(f"{path}: {line.strip()!r} is no face", advice=ADVICE) from error
    mesh = Obj(vertices, uvs, _table(polygons), _table(uv_polygons))
    _check_indices(path, mesh)
    return mesh


def read_vertices(path: Path, count: int) -> Float[ndarray, "V 3"]:
    """Only where the vertices are.

    Raises:
        HeadInvalid: absent, cut off, a value that is no number, or another count than expected.
    """
    vertices = _numbers(path, _lines(path), "v", 3)
    if len(vertices) != count:
        raise HeadInvalid(f"{path} has {len(vertices)} vertices, expected {count}", advice=ADVICE)
    return vertices


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise HeadInvalid(f"{path} cannot be read: {error}", advice=ADVICE) from error


def _numbers(path: Path, lines: list[str], key: str, size: int) -> Float[ndarray, "N size"]:
    """The first `size` numbers of each line of that key, as float64."""
    mine = [line for line in lines if line.startswith(f"{key} ")]
    if not mine:
        return np.zeros((0, size))
    try:
        numbers = np.loadtxt(mine, usecols=range(1, size + 1), comments=None, ndmin=2)
    except ValueError as error:
        raise HeadInvalid(f"{path}: a line {key!r} without {size} numbers ({error})", advice=ADVICE) from error
    if not np.isfinite(numbers).all():
        number = int(np.flatnonzero(~np.isfinite(numbers).all(axis=1))[0])
        raise HeadInvalid(f"{path}: {key} number {number} is {numbers[number].tolist()}", advice=ADVICE)
    return numbers


def _table(polygons: list[list[int]]) -> Int[ndarray, "F 4"]:
    return np.array(polygons, dtype=np.int32).reshape(-1, 4)


def _check_indices(path: Path, mesh: Obj) -> None:
    lone = mesh.polygons[:, 3] < 0
    if (mesh.polygons[:, :3] < 0).any() or mesh.polygons.max(initial=-1) >= len(mesh.vertices):
        raise HeadInvalid(f"{path}: a face names a vertex beyond the {len(mesh.vertices)} there are", advice=ADVICE)
    cut_off = (mesh.uv_polygons[:, :3] < 0).any(axis=1) | (~lone & (mesh.uv_polygons[:, 3] < 0))
    without = (mesh.uv_polygons < 0).all(axis=1)
    if (cut_off & ~without).any() or mesh.uv_polygons.max(initial=-1) >= len(mesh.uvs):
        raise HeadInvalid(f"{path}: a face names a vt beyond the {len(mesh.uvs)} there are", advice=ADVICE)
