"""What no coefficient changes about a head, and pure functions of meshes. Imports numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]


@dataclass(frozen=True)
class Landmarks:
    """Points that stay on the surface, each in one triangle.

    Attributes:
        faces: (L,) into `Topology.faces`.
        barycentrics: (L, 3) weights of its corners, which sum to 1.
    """

    faces: IntArray
    barycentrics: FloatArray


@dataclass(frozen=True)
class UvMap:
    """Texture coordinates besides those a head is used with: `uvs` (T, 2), `uv_faces` (F, 3) beside the triangles."""

    uvs: FloatArray
    uv_faces: IntArray


@dataclass(frozen=True)
class Topology:
    """Connectivity, texture coordinates and names of one head model.

    Head units: x right, y up, z to the viewer, the head about ±1.5 round the origin.

    Attributes:
        faces: (F, 3) triangles; quad i is made of triangles 2i and 2i+1, those from 2Q on are in no quad.
        quads: (Q, 4) the modeller's quads, wound as the triangles are.
        uvs: (T, 2) texture coordinates from bottom left; T ≥ V where seams cut.
        uv_faces: (F, 3) into `uvs`, corner by corner beside `faces`; `uv_quads` beside `quads`.
        rest: (V, 3) the mean head.
        region_weights: (R, V) 0..1, rows named by `region_names`.
        face_parts: (F,) into `part_names` (skin, left_eye, …).
        metres_per_unit: what one head unit is in metres.
        landmarks: the 68 points of iBUG's mark-up, in its order.
        mirror: (V,) the vertex on the other side of each vertex; one in the middle is its own.
        published: the texture coordinates that the head came with, where it is used with others.
    """

    faces: IntArray
    quads: IntArray
    uvs: FloatArray
    uv_faces: IntArray
    uv_quads: IntArray
    rest: FloatArray
    region_names: tuple[str, ...]
    region_weights: FloatArray
    part_names: tuple[str, ...]
    face_parts: IntArray
    expression_names: tuple[str, ...]
    head: str
    topology_id: str
    metres_per_unit: float
    licence: str
    provenance: str
    landmarks: Landmarks | None = None
    mirror: IntArray | None = None
    published: UvMap | None = None

    @property
    def lone(self) -> tuple[IntArray, IntArray]:
        """(N, 3) the triangles in no quad, and their corners in `uvs`."""
        first = 2 * len(self.quads)
        return self.faces[first:], self.uv_faces[first:]

    def region(self, name: str) -> FloatArray:
        """(V,) weights of one named region.

        Raises:
            KeyError: no region of that name; the message lists those there are.
        """
        if name not in self.region_names:
            raise KeyError(f"no region {name!r}; there are {', '.join(self.region_names)}")
        return self.region_weights[self.region_names.index(name)]

    def part_faces(self, *names: str) -> IntArray:
        """(N,) indices of the triangles of the named parts."""
        wanted = [self.part_names.index(name) for name in names]
        return np.flatnonzero(np.isin(self.face_parts, wanted)).astype(np.int32)


def vertex_normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """(V, 3) unit normals, faces weighted by area; zero where a vertex has no face."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    summed = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(summed, faces[:, k], normals)
    return summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)


def quad_corners(faces: IntArray) -> IntArray:
    """(Q, 4) corners, as indices into `faces.ravel()`, of the quads that triangles 2i and 2i+1 make together.

    The same corners taken from `uv_faces` are the quads' texture coordinates.

    Raises:
        ValueError: two such triangles do not share an edge.
    """
    first, second = faces[0::2], faces[1::2]
    shared = (first[:, :, None] == second[:, None, :]) if len(first) == len(second) else np.zeros((1, 1, 1), bool)
    if not (shared.sum(axis=(1, 2)) == 2).all():
        raise ValueError("triangles 2i and 2i+1 do not share an edge")
    alone = (~shared.any(axis=2)).argmax(axis=1)  # the corner of the first that the second lacks
    other = (~shared.any(axis=1)).argmax(axis=1)
    start = 6 * np.arange(len(first))
    ring = [start + (alone + k) % 3 for k in (2, 0, 1)]
    return np.stack([*ring, start + 3 + other], axis=1).astype(np.int32)


def components(faces: IntArray, count: int) -> IntArray:
    """(count,) a label a vertex, equal within each connected piece of the mesh."""
    label = np.arange(count, dtype=np.int32)
    while True:
        lowest = label.copy()
        smallest = label[faces].min(axis=1)
        for k in range(3):
            np.minimum.at(lowest, faces[:, k], smallest)
        lowest = lowest[lowest]
        if (lowest == label).all():
            return label
        label = lowest
