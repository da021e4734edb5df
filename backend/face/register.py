"""Bends one head onto another: landmarks first, then closest points under a falling stiffness. numpy.

Source: B. Amberg, S. Romdhani, T. Vetter, Optimal Step Nonrigid ICP Algorithms for Surface Registration, CVPR 2007;
here with distances to planes, and with the graph Laplacian of displacements as stiffness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from ..errors import HeadInvalid
from .checks import edges_of, landmark_points, laplacian
from .closest import Tree
from .mesh import Topology, vertex_normals
from .sparse import Sparse

STIFFNESS = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)  # of the Laplacian, falling
ROUNDS = 4  # of closest points, at each stiffness
SOLVER_STEPS = 60
SLIDE = 0.05  # how much a vertex is held where it lies within the tangent plane, beside 1 across it
MARKS = 3.0  # weight of the landmarks, times the stiffness: they lead, then let go
REACH = 0.35  # distances between the eyes that a vertex may be from the other skin and still be drawn to it
FACING = 0.5  # least cosine between the normals of points that may meet
SPREAD = 1.0  # distances between the eyes over which a landmark's pull fades to a third
Positions = Float[ndarray, "V 3"]


@dataclass(frozen=True)
class Similarity:
    """x to scale · rotation x + shift."""

    scale: float
    rotation: Float[ndarray, "3 3"]
    shift: Float[ndarray, " 3"]

    def __call__(self, points: Float[ndarray, "N 3"]) -> Float[ndarray, "N 3"]:
        return self.scale * points @ self.rotation.T + self.shift


def landmarks_of(topology: Topology) -> Float[ndarray, "68 3"]:
    """Raises HeadInvalid: a head without the 68 landmarks corresponds to none."""
    if topology.landmarks is None:
        raise HeadInvalid(
            f"the head {topology.head} names no landmarks, so nothing can be carried to it or from it",
            advice="use anny, ict, or FLAME with its file of landmarks beside it",
        )
    return landmark_points(topology.rest, topology.faces, topology.landmarks).astype(np.float64)


def alignment(moved: Topology, onto: Topology) -> Similarity:
    """What brings the landmarks of one head nearest to those of another."""
    return similarity(landmarks_of(moved), landmarks_of(onto))


def similarity(points: Float[ndarray, "N 3"], others: Float[ndarray, "N 3"]) -> Similarity:
    """What brings points nearest to others, one by one.

    Source: S. Umeyama, Least-Squares Estimation of Transformation Parameters Between Two Point Patterns, 1991.
    """
    a, b = points - points.mean(axis=0), others - others.mean(axis=0)
    left, stretch, right = np.linalg.svd(b.T @ a)
    signs = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    rotation = left * signs @ right
    scale = float((stretch * signs).sum() / (a**2).sum())
    return Similarity(scale, rotation, others.mean(axis=0) - scale * rotation @ points.mean(axis=0))


@dataclass(frozen=True)
class Skin:
    """The skin that another is bent onto: vertices, unit normals, and 1 at each vertex of its border."""

    rest: Positions
    faces: Int[ndarray, "F 3"]
    normals: Positions
    border: Float[ndarray, "V 1"]
    tree: Tree

    @classmethod
    def of(cls, topology: Topology) -> Skin:
        rest, faces = topology.rest.astype(np.float64), topology.faces[topology.part_faces("skin")]
        edges = edges_of(faces)
        border = np.zeros((len(rest), 1))
        border[np.unique(edges.ends[(edges.sides < 0).any(axis=1)])] = 1
        return cls(rest, faces, vertex_normals(topology.rest, faces).astype(np.float64), border, Tree(rest, faces))

    def meeting(
        self, points: Positions, faces: Int[ndarray, "G 3"], reach: float
    ) -> tuple[Positions, Positions, Float[ndarray, " V"]]:
        """Where a surface's vertices would lie on this skin, the normals there, and 1 where they may be drawn to it."""
        found = self.tree.closest(points)
        target, across = found.of(self.rest, self.faces), found.of(self.normals, self.faces)
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
        facing = (vertex_normals(points.astype(np.float32), faces) * across).sum(axis=1)
        on_border = found.of(self.border, self.faces)[:, 0] > 0.999
        near = np.linalg.norm(target - points, axis=1) < reach
        return target, across, ((facing > FACING) & near & ~on_border).astype(np.float64)


def bend(moved: Topology, onto: Topology) -> Positions:
    """The vertices of one head on the other's skin, in the other's units; parts besides the skin follow it.

    Raises:
        HeadInvalid: a head without landmarks.
    """
    align = alignment(moved, onto)
    placed, wanted = align(landmarks_of(moved)), landmarks_of(onto)
    unit = float(np.linalg.norm(wanted[36:42].mean(axis=0) - wanted[42:48].mean(axis=0)))
    points = pulled(align(moved.rest.astype(np.float64)), placed, wanted - placed, SPREAD * unit)
    start = points.copy()
    faces, skin = moved.faces[moved.part_faces("skin")], Skin.of(onto)
    inside = np.unique(faces)
    small = np.searchsorted(inside, faces).astype(np.int32)
    springs = laplacian(small, len(inside))
    marks = _marks(moved, inside)
    for stiffness in STIFFNESS:
        for _ in range(ROUNDS):
            target, normals, weights = skin.meeting(points[inside], small, REACH * unit)
            points[inside] = _relaxed(
                points[inside], start[inside], springs, stiffness, marks, wanted, target, normals, weights
            )
    others = np.setdiff1d(np.arange(len(points)), inside)
    near = Tree(start, faces).closest(start[others])
    points[others] += near.of(points - start, faces)
    for part in set(moved.part_names) & set(onto.part_names) - {"skin"}:
        mine, theirs = (np.unique(head.faces[head.part_faces(part)]) for head in (moved, onto))
        if len(mine) and len(theirs):
            points[mine] = boxed(points[mine], onto.rest[theirs].astype(np.float64))
    return points


def boxed(points: Float[ndarray, "N 3"], others: Float[ndarray, "M 3"]) -> Float[ndarray, "N 3"]:
    """Points scaled alike in all directions and shifted to fill the others' box as it is seen from the front."""
    (low, high), (to_low, to_high) = ((p.min(axis=0), p.max(axis=0)) for p in (points, others))
    scale = ((to_high - to_low)[:2] / np.maximum((high - low)[:2], 1e-9)).mean()
    front, to_front = (np.append((a + b)[:2] / 2, b[2]) for a, b in ((low, high), (to_low, to_high)))
    return (points - front) * scale + to_front


def pulled(points: Positions, marks: Float[ndarray, "L 3"], moves: Float[ndarray, "L 3"], spread: float) -> Positions:
    """Points moved so that the marks move exactly as they should; far from all marks nothing moves."""

    def kernel(one: Float[ndarray, "N 3"]) -> Float[ndarray, "N L"]:
        return np.exp(-np.linalg.norm(one[:, None] - marks[None], axis=2) / spread)

    return points + kernel(points) @ np.linalg.lstsq(kernel(marks), moves, rcond=1e-9)[0]


def _marks(topology: Topology, inside: Int[ndarray, " N"]) -> Sparse:
    """(68, N) landmarks as weights of the skin's vertices."""
    assert topology.landmarks is not None
    corners = topology.faces[topology.landmarks.faces]
    weights = topology.landmarks.barycentrics.astype(np.float64)
    known = np.isin(corners, inside) & (weights != 0)
    return Sparse(
        rows=np.nonzero(known)[0],
        columns=np.searchsorted(inside, corners[known]),
        weights=weights[known],
        shape=(len(corners), len(inside)),
    )


def _relaxed(
    points: Positions,
    start: Positions,
    springs: Sparse,
    stiffness: float,
    marks: Sparse,
    wanted: Float[ndarray, "68 3"],
    target: Positions,
    normals: Positions,
    weights: Float[ndarray, " V"],
) -> Positions:
    """The least of: distances to the planes, sliding, bending away from the start, distances of the landmarks."""
    held = MARKS * stiffness
    back = Sparse(springs.columns, springs.rows, springs.weights, (springs.shape[1], springs.shape[0]))
    lift = Sparse(marks.columns, marks.rows, marks.weights, (marks.shape[1], marks.shape[0]))

    def planes(moves: Positions) -> Positions:
        across = (moves * normals).sum(axis=1, keepdims=True) * normals
        return weights[:, None] * (across + SLIDE * moves)

    def normal(moves: Positions) -> Positions:
        return planes(moves) + stiffness * (back @ (springs @ moves)) + held * (lift @ (marks @ moves))

    slope = planes(target - points) + stiffness * (back @ (springs @ (start - points)))
    slope += held * (lift @ (wanted - marks @ points))
    return points + conjugate_gradients(normal, slope, SOLVER_STEPS)


def conjugate_gradients(product: Callable[[Positions], Positions], right: Positions, steps: int) -> Positions:
    """x with product(x) near right, from 0; `product` is symmetric and positive."""
    found, rest = np.zeros_like(right), right.copy()
    along, size = rest.copy(), float((rest**2).sum())
    first = size
    for _ in range(steps):
        if size <= 1e-14 * first:
            break
        pushed = product(along)
        step = size / max(float((along * pushed).sum()), 1e-300)
        found += step * along
        rest -= step * pushed
        size, before = float((rest**2).sum()), size
        along = rest + size / before * along
    return found
