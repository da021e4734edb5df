"""Loop subdivision: every triangle in four, the surface smoother. One sparse matrix a topology."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from .checks import Edges, edges_of, mirrored
from .mesh import IntArray, Landmarks, Topology
from .sparse import Sparse


def loop_matrix(faces: Int[ndarray, "F 3"], count: int) -> Sparse:
    """(V + E, V): old vertices moved, then one new vertex an edge, in the order of `edges_of`.

    Borders are the splines of their own vertices, so that two pieces that share a border stay together. A vertex
    where more than two borders meet stays where it is.

    Source: C. Loop, Smooth Subdivision Surfaces Based on Triangles, 1987, sec. 3.
    """
    edges = edges_of(faces)
    inner = (edges.sides >= 0).all(axis=1)
    new = count + np.arange(len(edges.ends))
    entries = [
        _entries(new[:, None], edges.ends, np.where(inner, 3 / 8, 1 / 2)[:, None]),
        _entries(new[inner, None], edges.opposite[inner], np.full((1, 1), 1 / 8)),
        *_moved(edges, inner, count),
    ]
    rows, columns, weights = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    return Sparse(rows, columns, weights, (count + len(new), count))


def _moved(edges: Edges, inner: np.ndarray, count: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """How the old vertices move: inner ones with all neighbours, those on a border with their two along it."""
    pairs = np.concatenate([edges.ends, edges.ends[:, ::-1]])
    along = np.concatenate([~inner, ~inner])
    valence = np.bincount(pairs[:, 0], minlength=count)
    borders = np.bincount(pairs[along, 0], minlength=count)
    n = np.maximum(valence, 1)
    share = (5 / 8 - (3 / 8 + np.cos(2 * np.pi / n) / 4) ** 2) / n
    share = np.select([borders == 2, borders > 0, valence == 0], [1 / 8, 0, 0], share)
    used = np.where(borders[pairs[:, 0]] > 0, along, True)
    pairs = pairs[used]
    kept = 1 - share * np.bincount(pairs[:, 0], minlength=count)
    every = np.arange(count)
    return [
        _entries(pairs[:, :1], pairs[:, 1:], share[pairs[:, :1]]),
        _entries(every[:, None], every[:, None], kept[:, None]),
    ]


def _entries(rows: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, columns, weights = np.broadcast_arrays(rows, columns, weights)
    return rows.reshape(-1), columns.reshape(-1), weights.reshape(-1)


def split(faces: Int[ndarray, "F 3"], count: int) -> Int[ndarray, "F4 3"]:
    """(4F, 3): triangle f becomes 4f … 4f+2, which keep its corners 0 … 2 as their first, and 4f+3 in the middle."""
    middle = count + edges_of(faces).of_faces  # of the edges from corner k to corner k+1
    a, b, c = faces.T
    ab, bc, ca = middle.T
    corners = [[a, ab, ca], [b, bc, ab], [c, ca, bc], [ab, bc, ca]]
    return np.stack([np.stack(child, axis=1) for child in corners], axis=1).reshape(-1, 3).astype(np.int32)


def midpoints(values: Float[ndarray, " T *C"], faces: Int[ndarray, "F 3"]) -> Float[ndarray, " N *C"]:
    """(T + E, …): the values, then the means of the two ends of each edge, in the order of `edges_of`."""
    return np.concatenate([values, values[edges_of(faces).ends].mean(axis=1)])


def subdivided(topology: Topology) -> tuple[Topology, Sparse]:
    """One step of Loop: the finer head, and the matrix that takes vertices (and differences of them) to it.

    Texture coordinates and region weights are interpolated, so that textures and masks stay where they are.
    """
    count = len(topology.rest)
    matrix = loop_matrix(topology.faces, count)
    second = topology.published
    finer = replace(
        topology,
        faces=split(topology.faces, count),
        quads=np.zeros((0, 4), np.int32),
        uvs=midpoints(topology.uvs, topology.uv_faces),
        uv_faces=split(topology.uv_faces, len(topology.uvs)),
        uv_quads=np.zeros((0, 4), np.int32),
        rest=matrix @ topology.rest,
        region_weights=midpoints(topology.region_weights.T, topology.faces).T,
        face_parts=np.repeat(topology.face_parts, 4),
        topology_id=f"{topology.topology_id}+1",
        landmarks=topology.landmarks and _finer_landmarks(topology.landmarks),
        mirror=None if topology.mirror is None else _finer_mirror(topology.mirror, topology.faces),
        published=second
        and replace(
            second, uvs=midpoints(second.uvs, second.uv_faces), uv_faces=split(second.uv_faces, len(second.uvs))
        ),
    )
    return finer, matrix


def _finer_landmarks(landmarks: Landmarks) -> Landmarks:
    """The same places of the flat triangles, in the quarter of the triangle where each lies."""
    weights = landmarks.barycentrics
    corner = weights.argmax(axis=1)
    turned = np.take_along_axis(weights, (corner[:, None] + np.arange(3)) % 3, axis=1)
    outer = turned[:, 0] >= 1 / 2
    near = np.stack([2 * turned[:, 0] - 1, 2 * turned[:, 1], 2 * turned[:, 2]], axis=1)
    middle = 1 - 2 * np.roll(weights, 1, axis=1)  # the weight of edge k's midpoint lacks the corner across
    return Landmarks(
        faces=(4 * landmarks.faces + np.where(outer, corner, 3)).astype(np.int32),
        barycentrics=np.where(outer[:, None], near, middle).astype(np.float32),
    )


def _finer_mirror(mirror: IntArray, faces: IntArray) -> IntArray | None:
    """The permutation of the old vertices, then of the edges' new ones; None where the triangles are not symmetric."""
    place, found = mirrored(edges_of(faces).ends, mirror)
    return np.concatenate([mirror, len(mirror) + place]).astype(np.int32) if found.all() else None
