"""ICT-FaceKit's parts and its place in one UV square: published ranges of polygons, each tile in a box of its own."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from .mesh import components

# Part, and the first polygon after it. Source: ICT-FaceKit's README, "Geometries", "Eyeball Details", "Teeth Details".
# The lacrimal fluid, the eye blend and the eye occlusion are transparent films over the eyes.
RANGES = (
    ("skin", 11144),  # face, head and neck
    ("mouth", 13226),
    ("left_socket", 13630),
    ("right_socket", 14034),
    ("gums", 16572),
    ("tongue", 17006),  # one piece with the gums; what is not the floor of the mouth is an island of its own
    ("upper_teeth", 19250),
    ("lower_teeth", 21496),
    ("left_eye", 22296),
    ("left_iris", 23094),
    ("right_eye", 23894),
    ("right_iris", 24692),
    ("films", 25304),
    ("left_lashes", 25844),
    ("right_lashes", 26384),
)
POLYGONS = RANGES[-1][1]
VERTICES = 26719
LASHES, STRIP = 25304, 90  # polygons of the first strip of lashes, and of each; an eye has six, in three layers
FACE = 9230  # the polygons that lie in the face's own tile
SHRUNK = {"teeth": 0.8, "gums": 0.96}  # islands of these boxes, each round its middle: as published some touch
PARTS = tuple(name for name, _ in RANGES if name != "films")

# What is moved together: parts, the published rectangle it lies in, where that goes: left, bottom, right, top.
# The face keeps its proportions; neck and back of the head lie beside it instead of in a tile of their own.
BOXES: dict[str, tuple[tuple[float, float, float, float], tuple[float, float, float, float]]] = {
    "face": ((0.0, 0.0, 1.0, 1.0), (0.002, 0.278, 0.720, 0.998)),
    "skull": ((1.159, 0.290, 1.841, 0.988), (0.725, 0.546, 0.996, 0.996)),
    "neck": ((1.009, 0.012, 1.991, 0.444), (0.004, 0.004, 0.718, 0.274)),
    "left_eye": ((0.0, 0.0, 1.0, 1.0), (0.863, 0.408, 0.997, 0.542)),
    "right_eye": ((0.0, 0.0, 1.0, 1.0), (0.724, 0.408, 0.858, 0.542)),
    "teeth": ((3.0, 0.0, 4.0, 1.0), (0.724, 0.272, 0.858, 0.404)),
    "gums": ((2.0, 0.0, 3.0, 1.0), (0.863, 0.272, 0.997, 0.404)),
    "mouth": ((1.018, 0.706, 1.243, 0.981), (0.863, 0.138, 0.997, 0.268)),
    "lashes": ((6.0, 0.0, 7.0, 1.0), (0.724, 0.138, 0.858, 0.268)),
    "left_socket": ((1.864, 0.836, 1.987, 0.980), (0.795, 0.004, 0.858, 0.134)),
    "right_socket": ((1.722, 0.837, 1.845, 0.981), (0.724, 0.004, 0.787, 0.134)),
    "left_iris": ((0.0, 0.0, 1.0, 1.0), (0.932, 0.004, 0.997, 0.069)),
    "right_iris": ((0.0, 0.0, 1.0, 1.0), (0.863, 0.004, 0.928, 0.069)),
}


def parts_of(polygons: Int[ndarray, " F"]) -> Int[ndarray, " F"]:
    """Index into `RANGES` of each published polygon."""
    return np.searchsorted([end for _, end in RANGES], polygons, side="right")


def kinds_of(faces: Int[ndarray, "F 3"], polygons: Int[ndarray, " F"]) -> Int[ndarray, " V"]:
    """(V,) a number a vertex, the same on both sides of the head and different for what lies on each other."""
    kinds = [name.removeprefix("left_").removeprefix("right_") for name, _ in RANGES]
    number = np.array([kinds.index(kind) for kind in kinds])[parts_of(polygons)]
    lashes = polygons >= LASHES
    number[lashes] += len(kinds) * (1 + (polygons[lashes] - LASHES) % (6 * STRIP) // STRIP)
    out = np.zeros(VERTICES, np.int64)
    out[faces] = number[:, None]
    return out


def lay_out(
    uvs: Float[ndarray, "T 2"], uv_faces: Int[ndarray, "F 3"], polygons: Int[ndarray, " F"]
) -> Float[ndarray, "T 2"]:
    """The published texture coordinates moved into one square; islands that lie on their back are turned over.

    Args:
        polygons: the published polygon of each triangle.
    """
    out = np.array(uvs, np.float64)
    names = [name for name, _ in RANGES]
    island = components(uv_faces.astype(np.int32), len(uvs))
    a, b, c = (uvs[uv_faces[:, k]] for k in range(3))
    wound = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    for label in np.unique(island[uv_faces]):
        triangles = np.flatnonzero(island[uv_faces[:, 0]] == label)
        mine = np.unique(uv_faces[triangles])
        flat = out[mine]
        if wound[triangles].sum() < 0:
            flat[:, 0] = flat[:, 0].min() + flat[:, 0].max() - flat[:, 0]
        name = names[parts_of(polygons[triangles[:1]])[0]]
        box = _box(name, int(polygons[triangles[0]]), flat)
        (left, bottom, right, top), target = BOXES[box]
        middle = (flat.min(axis=0) + flat.max(axis=0)) / 2
        flat = middle + (flat - middle) * SHRUNK.get(box, 1.0)
        share = (flat - [left, bottom]) / [right - left, top - bottom]
        out[mine] = share * [target[2] - target[0], target[3] - target[1]] + target[:2]
    return out


def _box(part: str, polygon: int, flat: Float[ndarray, "N 2"]) -> str:
    if part == "skin":
        back = "neck" if flat[:, 1].min() < 0.2 else "skull"  # where they lie in the published tile
        return "face" if polygon < FACE else back
    if part == "tongue":
        return "gums"
    return part.split("_")[-1] if part.endswith(("teeth", "lashes")) else part
