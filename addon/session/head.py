# SPDX-License-Identifier: GPL-3.0-or-later
"""Head files: what no edit changes about a head, read with numpy alone."""

import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..link.bundle import errors
from .rest import Rest, read_rest
from .shoulders import Shoulders, read_shoulders
from .sliders import Sliders, read_sliders


@dataclass(frozen=True, eq=False)
class Head:
    """Connectivity and names; positions in head units (x right, y up, z to the viewer).

    Attributes:
        quads: (Q, 4) into the vertices; `uv_quads` (Q, 4) into `uvs` (T, 2), which count from bottom left.
        lone: (N, 3) the triangles in no quad; `uv_lone` (N, 3) likewise.
        rest: (V, 3) the mean head; `expressions` (E, V, 3) differences from it, named by `expression_names`.
        region_weights: (R, V) 0..1, named by `region_names`.
        quad_parts: (Q,) into `part_names`, such as "left_eye"; `lone_parts` (N,) likewise.
        sliders: what the head's semantic sliders do; None for a head without.
        shoulders: what `with_shoulders` adds; None for a head without.
        rest_face: what the face at rest needs besides; None in a file of an earlier version.
    """

    name: str
    licence: str
    topology_id: str
    metres_per_unit: float
    quads: NDArray[np.int32]
    uvs: NDArray[np.float32]
    uv_quads: NDArray[np.int32]
    lone: NDArray[np.int32]
    uv_lone: NDArray[np.int32]
    rest: NDArray[np.float32]
    expression_names: tuple[str, ...]
    expressions: NDArray[np.float32]
    region_names: tuple[str, ...]
    region_weights: NDArray[np.float32]
    part_names: tuple[str, ...]
    quad_parts: NDArray[np.int32]
    lone_parts: NDArray[np.int32]
    sliders: Sliders | None
    shoulders: Shoulders | None
    rest_face: Rest | None

    def with_shoulders(self) -> "Head":
        """The head with neck and shoulders, of its first part, the skin; itself where it has none."""
        added = self.shoulders
        if added is None:
            return self
        rest, expressions = added.worn(self.rest, self.rest, self.expressions)
        return replace(
            self,
            quads=np.concatenate([self.quads, added.quads]),
            uvs=np.concatenate([self.uvs, added.uvs]),
            uv_quads=np.concatenate([self.uv_quads, added.uv_quads + len(self.uvs)]),
            rest=rest,
            expressions=expressions,
            region_weights=np.pad(self.region_weights, ((0, 0), (0, len(added.rest)))),
            quad_parts=np.pad(self.quad_parts, (0, len(added.quads))),
        )


def find_head(name: str, folders: Iterable[Path]) -> Head:
    """The head called `name`, from the first folder that has its file.

    Raises:
        errors.CheckpointMissing: no folder has it.
        errors.HeadInvalid: see `read_head`.
    """
    places = [folder / f"{Path(name).name}.npz" for folder in folders]
    for path in places:
        if path.is_file():
            return read_head(path)
    raise errors.CheckpointMissing(
        f"the head model {name!r} is not in {' or '.join(str(path.parent) for path in places)}",
        advice=f"choose {name} as Head in the sidebar and press New Head, which brings it or says how to",
    )


def read_head(path: Path) -> Head:
    """The head of a file; it is read again only once the file has changed.

    Raises:
        errors.HeadInvalid: a file that is not a head's, or is damaged.
    """
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise errors.HeadInvalid(
            f"{path} is not a head file: {error}", advice="install Facewright again, or put the file back"
        ) from None


@lru_cache(maxsize=4)
def _read(path: Path, _changed_ns: int) -> Head:
    with np.load(path, allow_pickle=False) as values:
        meta = json.loads(str(values["meta"][()]))
        quads = values["quads"].astype(np.int32)
        first = 2 * len(quads)  # triangles 2i and 2i+1 are quad i
        return Head(
            name=meta["head"],
            licence=meta["licence"],
            topology_id=meta["topology_id"],
            metres_per_unit=float(meta["metres_per_unit"]),
            quads=quads,
            uvs=values["uvs"].astype(np.float32),
            uv_quads=values["uv_quads"].astype(np.int32),
            lone=values["faces"][first:].astype(np.int32),
            uv_lone=values["uv_faces"][first:].astype(np.int32),
            rest=values["rest"].astype(np.float32),
            expression_names=tuple(values["expression_names"].tolist()),
            expressions=values["expressions"].astype(np.float32),
            region_names=tuple(values["region_names"].tolist()),
            region_weights=values["region_weights"].astype(np.float32),
            part_names=tuple(values["part_names"].tolist()),
            quad_parts=values["face_parts"][:first:2].astype(np.int32),
            lone_parts=values["face_parts"][first:].astype(np.int32),
            sliders=read_sliders(values, meta) if "slider_names" in values else None,
            shoulders=read_shoulders(path.with_name(f"{path.stem}_shoulders.npz"), meta["topology_id"]),
            rest_face=read_rest(values, meta, path.with_name(f"{path.stem}_albedo.png")),
        )


def to_blender(points: NDArray[np.float32], metres_per_unit: float) -> NDArray[np.float32]:
    """Points (…, 3) in head units as metres, Z up; the face looks along -Y, into Blender's front view."""
    turned = np.empty(points.shape, np.float32)
    for to, (source, sign) in enumerate(((0, 1), (2, -1), (1, 1))):
        np.multiply(points[..., source], np.float32(sign * metres_per_unit), out=turned[..., to])
    return turned


def to_head(points: NDArray[np.float32], metres_per_unit: float) -> NDArray[np.float32]:
    """The inverse of `to_blender`, to the last bits of float32."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x, z, -y], axis=-1) / np.float32(metres_per_unit)
