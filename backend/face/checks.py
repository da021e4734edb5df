"""What can be asked of a mesh: its edges, how smooth it is, whether it folds, cuts itself or is symmetric. numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from .mesh import IntArray, Landmarks, Topology
from .sparse import Sparse


@dataclass(frozen=True)
class Edges:
    """The edges of a mesh, sorted by their ends.

    Attributes:
        ends: (E, 2) vertices, the lower first.
        sides: (E, 2) the triangles on both sides; -1 for none. An edge of more than two counts as a border: (f, -1).
        opposite: (E, 2) the corner of each side's triangle that is not on the edge.
        of_faces: (F, 3) the edge from corner k to corner k+1 of each triangle.
    """

    ends: IntArray
    sides: IntArray
    opposite: IntArray
    of_faces: Int[ndarray, "F 3"]


def edges_of(faces: Int[ndarray, "F 3"]) -> Edges:
    pairs = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2)
    across = np.roll(faces, -2, axis=1).reshape(-1)
    ends, edge, count = np.unique(np.sort(pairs, axis=1), axis=0, return_inverse=True, return_counts=True)
    edge = edge.reshape(-1)
    order = np.argsort(edge, kind="stable")
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    second = np.where(count == 2, first + 1, first)
    corners = np.stack([order[first], order[second]], axis=1)
    lone = np.stack([np.zeros(len(ends), bool), count != 2], axis=1)
    return Edges(
        ends=ends.astype(np.int32),
        sides=np.where(lone, -1, corners // 3).astype(np.int32),
        opposite=np.where(lone, -1, across[corners]).astype(np.int32),
        of_faces=edge.reshape(-1, 3).astype(np.int32),
    )


def laplacian(faces: Int[ndarray, "F 3"], count: int) -> Sparse:
    """(V, V): the mean of a vertex's neighbours less the vertex; 0 where it has none."""
    ends = edges_of(faces).ends
    pairs = np.concatenate([ends, ends[:, ::-1]])
    valence = np.bincount(pairs[:, 0], minlength=count)
    every = np.arange(count)
    return Sparse(
        rows=np.concatenate([pairs[:, 0], every]),
        columns=np.concatenate([pairs[:, 1], every]),
        weights=np.concatenate([1 / valence[pairs[:, 0]], -(valence > 0).astype(float)]),
        shape=(count, count),
    )


def flipped(
    vertices: Float[ndarray, "V 3"], reference: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"]
) -> Bool[ndarray, " F"]:
    """Triangles that face the other way than in the reference, or have lost the area they have there."""

    def normals(points: Float[ndarray, "V 3"]) -> Float[ndarray, "F 3"]:
        a, b, c = (points[faces[:, k]].astype(np.float64) for k in range(3))
        return np.cross(b - a, c - a)

    before = normals(reference)
    return ((normals(vertices) * before).sum(axis=1) <= 0) & before.any(axis=1)


def landmark_points(
    vertices: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"], landmarks: Landmarks
) -> Float[ndarray, "L 3"]:
    """(L, 3) where the landmarks are on these vertices."""
    return (vertices[faces[landmarks.faces]] * landmarks.barycentrics[..., None]).sum(axis=1)


def landmarks_at(vertices: Int[ndarray, " L"], faces: Int[ndarray, "F 3"]) -> Landmarks:
    """Landmarks that lie on vertices, each in the first triangle that has the vertex.

    Raises:
        ValueError: a vertex of no triangle.
    """
    triangle, corner = np.nonzero(np.isin(faces, vertices))
    found, first = np.unique(faces[triangle, corner], return_index=True)
    if missing := set(np.asarray(vertices).tolist()) - set(found.tolist()):
        raise ValueError(f"no triangle has the vertices {sorted(missing)}")
    place = first[np.searchsorted(found, vertices)]
    return Landmarks(triangle[place].astype(np.int32), np.eye(3, dtype=np.float32)[corner[place]])


def mirror_of(
    vertices: Float[ndarray, "V 3"],
    ends: Int[ndarray, "E 2"],
    tolerance: float,
    kinds: Int[ndarray, " V"] | None = None,
) -> IntArray:
    """(V,) the vertex at each one's mirror picture in x = 0, the nearest pairs first; verified.

    Args:
        ends: edges whose mirror pictures must be edges (those of the quads: diagonals need not be symmetric).
        tolerance: how far from its mirror picture a vertex may be.
        kinds: only vertices of the same kind are paired, where several pieces meet at one place.

    Raises:
        ValueError: a vertex without a partner, or an edge whose mirror picture is none.
    """
    pictures = vertices * np.array([-1, 1, 1], vertices.dtype)
    near, partner = near_pairs(pictures, vertices, tolerance)
    once = near <= partner if kinds is None else (near <= partner) & (kinds[near] == kinds[partner])
    near, partner = near[once], partner[once]
    order = np.argsort(((pictures[near] - vertices[partner]) ** 2).sum(axis=1), kind="stable")
    mirror = np.full(len(vertices), -1, np.int32)
    for one, other in zip(near[order].tolist(), partner[order].tolist(), strict=True):
        if mirror[one] < 0 and mirror[other] < 0:
            mirror[one], mirror[other] = other, one
    if lost := int((mirror < 0).sum()):
        raise ValueError(f"{lost} vertices have no mirror picture within {tolerance}")
    if lost := len(ends) - int(mirrored(ends, mirror)[1].sum()):
        raise ValueError(f"{lost} edges have no mirror picture")
    return mirror


def mirrored(ends: Int[ndarray, "E 2"], mirror: Int[ndarray, " V"]) -> tuple[Int[ndarray, " E"], Bool[ndarray, " E"]]:
    """The edge at each one's mirror picture, and whether there is one; edges sorted as `edges_of` sorts them."""
    count = len(mirror)
    low, high = np.sort(ends, axis=1).astype(np.int64).T
    other_low, other_high = np.sort(mirror[ends], axis=1).astype(np.int64).T
    keys, wanted = low * count + high, other_low * count + other_high
    place = np.searchsorted(keys, wanted).clip(max=max(len(keys) - 1, 0))
    return place, keys[place] == wanted


def outlines(topology: Topology) -> Int[ndarray, "E 2"]:
    """The edges of a head's quads and of the triangles in no quad, each once, sorted."""
    rings = (topology.quads, topology.lone[0])
    pairs = [np.stack([ring, np.roll(ring, -1, axis=1)], axis=2).reshape(-1, 2) for ring in rings]
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)


def near_pairs(
    points: Float[ndarray, "N 3"], others: Float[ndarray, "M 3"], distance: float
) -> tuple[Int[ndarray, " K"], Int[ndarray, " K"]]:
    """All pairs (index into points, index into others) at most `distance` apart, by a uniform grid."""
    cells = np.floor(others / distance).astype(np.int64)
    mine = np.floor(points / distance).astype(np.int64)
    low = np.minimum(cells.min(axis=0), mine.min(axis=0)) - 1
    size = np.maximum(cells.max(axis=0), mine.max(axis=0)) - low + 2
    key = np.ravel_multi_index((cells - low).T, size)
    order = np.argsort(key, kind="stable")
    firsts, seconds = [], []
    for step in np.ndindex(3, 3, 3):
        wanted = np.ravel_multi_index((mine - low + np.array(step) - 1).T, size)
        first, second = joined(wanted, key[order])
        second = order[second]
        close = ((points[first] - others[second]) ** 2).sum(axis=1) <= distance**2
        firsts.append(first[close])
        seconds.append(second[close])
    return np.concatenate(firsts), np.concatenate(seconds)


def joined(wanted: Int[ndarray, " N"], keys: Int[ndarray, " M"]) -> tuple[Int[ndarray, " K"], Int[ndarray, " K"]]:
    """All pairs of indices at which a wanted key equals one of the sorted keys."""
    start, end = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
    count = end - start
    first = np.repeat(np.arange(len(wanted)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return first, np.repeat(start, count) + within
