"""Where a mesh cuts itself: triangles against triangles, those that are near by a uniform grid. numpy."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from .checks import joined
from .mesh import Topology

CHUNK = 1 << 18  # pairs tested at once: about 100 MB


def crossings(vertices: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"]) -> Int[ndarray, "N 2"]:
    """Pairs of triangles that cut through each other; those that share a vertex, or only touch in a plane, do not."""
    corners = vertices[faces].astype(np.float64)
    pairs = _near(corners)
    shared = (faces[pairs[:, 0]][:, :, None] == faces[pairs[:, 1]][:, None, :]).any(axis=(1, 2))
    pairs = pairs[~shared]
    found = [
        chunk[_cut(corners[chunk[:, 0]], corners[chunk[:, 1]])]
        for chunk in np.array_split(pairs, max(1, len(pairs) // CHUNK))
    ]
    return np.concatenate(found).astype(np.int32)


def crossings_by_parts(vertices: Float[ndarray, "V 3"], topology: Topology) -> dict[tuple[str, str], int]:
    """How many pairs of triangles of which two parts cut through each other, the most first.

    Parts of a head at rest do: lashes stand in lids, eyeballs fill their sockets to the lids, teeth are rooted in gums.
    Of ICT-FaceKit's 6,459 pairs 124 are skin through skin; a fold that an edit has made shows there.
    """
    pairs = np.sort(topology.face_parts[crossings(vertices, topology.faces)], axis=1)
    kinds, counts = np.unique(pairs, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    names = topology.part_names
    return {(names[kinds[k, 0]], names[kinds[k, 1]]): int(counts[k]) for k in order}


def _near(corners: Float[ndarray, "F 3 3"]) -> Int[ndarray, "N 2"]:
    """Pairs (lower, higher) of triangles whose boxes overlap, each once."""
    low, high = corners.min(axis=1), corners.max(axis=1)
    cell = max(float(np.median((high - low).max(axis=1))) * 2, 1e-9)
    first = np.floor(low / cell).astype(np.int64)
    count = np.floor(high / cell).astype(np.int64) - first + 1
    total = count.prod(axis=1)
    triangle = np.repeat(np.arange(len(corners)), total)
    number = np.arange(total.sum()) - np.repeat(np.cumsum(total) - total, total)
    spans = count[triangle]
    steps = np.stack(
        [number // (spans[:, 1] * spans[:, 2]), number // spans[:, 2] % spans[:, 1], number % spans[:, 2]], axis=1
    )
    places = first[triangle] + steps
    places -= places.min(axis=0)
    key = np.ravel_multi_index(places.T, places.max(axis=0) + 1)
    order = np.argsort(key, kind="stable")
    a, b = joined(key, key[order])
    a, b = triangle[a], triangle[order[b]]
    once = (a < b) & (low[a] <= high[b]).all(axis=1) & (low[b] <= high[a]).all(axis=1)
    return np.unique(np.stack([a[once], b[once]], axis=1), axis=0)


def _cut(one: Float[ndarray, "N 3 3"], other: Float[ndarray, "N 3 3"]) -> Bool[ndarray, " N"]:
    """Whether an edge of either triangle passes through the inside of the other."""
    found = np.zeros(len(one), bool)
    for edges, triangle in ((one, other), (other, one)):
        for k in range(3):
            found |= _pierces(edges[:, k], edges[:, (k + 1) % 3], triangle)
    return found


def _pierces(
    start: Float[ndarray, "N 3"], end: Float[ndarray, "N 3"], triangle: Float[ndarray, "N 3 3"]
) -> Bool[ndarray, " N"]:
    """Segments through triangles. Source: Möller and Trumbore, Fast, Minimum Storage Ray/Triangle Intersection."""
    a, b, c = triangle.transpose(1, 0, 2)
    along, one, two = end - start, b - a, c - a
    p = np.cross(along, two)
    scale = (one * p).sum(axis=1)
    safe = np.where(scale == 0, 1, scale)
    offset = start - a
    u = (offset * p).sum(axis=1) / safe
    q = np.cross(offset, one)
    v = (along * q).sum(axis=1) / safe
    t = (two * q).sum(axis=1) / safe
    return (scale != 0) & (u > 0) & (v > 0) & (u + v < 1) & (t > 0) & (t < 1)
