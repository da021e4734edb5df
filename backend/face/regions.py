"""Named regions of a head from its 68 landmarks: lips, nose, brows, …, for heads that come without names.

All lengths are in distances between the eyes, so that they fit any head and any unit.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

OUTER_LIPS, INNER_LIPS = range(48, 60), range(60, 68)
EYES = {"left": range(42, 48), "right": range(36, 42)}  # the person's own left, at +x
BROWS = {"left": range(22, 27), "right": range(17, 22)}
UP = np.array([0.0, 1.0, 0.0])
SIDES = {"left": 1.0, "right": -1.0}
PARTS = {
    "mouth": "mouth",
    "tongue": "tongue",
    "gums": "gums",
    "teeth": "teeth",
    "lashes": "lashes",
    "eye": "eyeball",
    "iris": "eyeball",
}
PAIRED = {"lashes"}  # parts of both sides that are one region

Weights = Float[ndarray, " V"]


def name_regions(
    rest: Float[ndarray, "V 3"],
    faces: Int[ndarray, "F 3"],
    face_parts: Int[ndarray, " F"],
    part_names: tuple[str, ...],
    landmarks: Float[ndarray, "68 3"],
) -> dict[str, Float[ndarray, " V"]]:
    """Region -> weights 0..1, falling off smoothly at its border. Those of the skin are 0 off the part `skin`."""

    def of(part: str) -> Weights:
        chosen = np.zeros(len(rest), np.float32)
        chosen[faces[face_parts == part_names.index(part)]] = 1
        return chosen

    rest, landmarks = rest.astype(np.float64), landmarks.astype(np.float64)
    eyes = {side: landmarks[list(points)].mean(axis=0) for side, points in EYES.items()}
    unit = float(np.linalg.norm(eyes["left"] - eyes["right"]))
    origin = (eyes["left"] + eyes["right"]) / 2
    points, marks = (rest - origin) / unit, (landmarks - origin) / unit
    regions = {name: of("skin") * weights for name, weights in _skin(points, marks).items()}
    for part in part_names:
        side, _, kind = part.rpartition("_")
        if kind in PARTS:
            name = f"{side}_{PARTS[kind]}" if side in SIDES and kind not in PAIRED else PARTS[kind]
            regions[name] = np.maximum(regions.get(name, 0), of(part))
    return {name: np.clip(weights, 0, 1).astype(np.float32) for name, weights in regions.items()}


def _skin(points: Float[ndarray, "V 3"], marks: Float[ndarray, "68 3"]) -> dict[str, Weights]:
    x, y, z = points.T
    away = np.abs(x)
    front = ramp(z, marks[[0, 16], 2].mean() + 0.1, marks[[0, 16], 2].mean() + 0.4)
    lips = front * ramp(inside(points, marks[list(OUTER_LIPS)]), -0.05, 0.02)
    mouth, chin = marks[list(INNER_LIPS)].mean(axis=0), marks[8]
    line = np.interp(x, *_rising(marks[[60, 61, 62, 63, 64]]))
    line = (line + np.interp(x, *_rising(marks[[60, 67, 66, 65, 64]]))) / 2
    brow = marks[[19, 24], 1].mean()
    regions = {
        "lips": lips,
        "upper_lip": lips * ramp(y - line, -0.02, 0.02),
        "lower_lip": lips * ramp(y - line, 0.02, -0.02),
        "nose": front * ramp(inside(points, _nose(marks)), -0.08, 0.04),
        "chin": front
        * ramp(np.linalg.norm((points - chin)[:, :2] / [1.3, 1], axis=1), 0.55, 0.35)
        * ramp(y, marks[57, 1], marks[57, 1] - 0.15),
        "jaw": ramp(distance(points, marks[2:15]), 0.35, 0.15) * ramp(y, mouth[1] + 0.1, mouth[1] - 0.15),
        "forehead": front
        * ramp(y, brow + 0.1, brow + 0.25)
        * ramp(y, brow + 1.15, brow + 0.95)
        * ramp(away, np.abs(marks[[17, 26], 0]).mean() + 0.25, np.abs(marks[[17, 26], 0]).mean()),
        "neck": ramp(y, chin[1] - 0.1, chin[1] - 0.35) * ramp(distance(points, marks[:17]), 0.15, 0.35),
        "scalp": np.maximum(
            ramp(y, brow + 1.0, brow + 1.2), ramp(z, marks[0, 2] - 0.2, marks[0, 2] - 0.45) * ramp(y, -0.9, -0.6)
        ),
        "face": front * ramp(inside(points, _outline(marks)), -0.15, 0.05),
        "eye_mask": front
        * np.max([ramp(inside(points, marks[list(ring)] * [1.15, 1, 1]), -0.5, -0.35) for ring in EYES.values()], 0),
        "beard": front * (1 - lips) * _beard(points, marks),
    }
    for side, sign in SIDES.items():
        ring, out = marks[list(EYES[side])], x * sign
        ear = marks[0 if side == "right" else 16]
        cheek = marks[[31, 48, 2] if side == "right" else [35, 54, 14]].mean(axis=0) + 0.15 * UP
        regions |= {
            f"{side}_eye_area": front * ramp(inside(points, ring), -0.25, -0.12),
            f"{side}_brow": front * ramp(distance(points, marks[list(BROWS[side])]), 0.14, 0.06),
            f"{side}_cheek": front
            * (1 - lips)
            * ramp(np.linalg.norm(points - cheek, axis=1), 0.5, 0.3)
            * ramp(y, -0.15, -0.3),
            f"{side}_ear": ramp(out, np.abs(ear[0]) - 0.12, np.abs(ear[0]) - 0.05)
            * ramp(np.abs(z - ear[2] + 0.55), 0.45, 0.35)
            * ramp(np.abs(y - ear[1] + 0.45), 0.52, 0.45),
        }
    return regions


def ramp(values: Weights, zero: float, one: float) -> Weights:
    """0 at and beyond `zero`, 1 at and beyond `one`, smooth between."""
    t = np.clip((values - zero) / (one - zero), 0, 1)
    return t * t * (3 - 2 * t)


def distance(points: Float[ndarray, "V D"], line: Float[ndarray, "N D"]) -> Weights:
    """From each point to the nearest of a line of segments."""
    nearest = np.full(len(points), np.inf)
    for start, end in pairwise(line):
        along = end - start
        share = np.clip((points - start) @ along / max(along @ along, 1e-12), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(points - start - share[:, None] * along, axis=1))
    return nearest


def inside(points: Float[ndarray, "V 3"], ring: Float[ndarray, "N 3"]) -> Weights:
    """How far inside the ring a point lies, seen from the front; negative outside."""
    flat, corners = points[:, :2], np.concatenate([ring[:, :2], ring[:1, :2]])
    crossed = np.zeros(len(flat), bool)
    for (x0, y0), (x1, y1) in pairwise(corners):
        between = (flat[:, 1] < y0) != (flat[:, 1] < y1)
        if y0 != y1:
            crossed ^= between & (flat[:, 0] < x0 + (flat[:, 1] - y0) / (y1 - y0) * (x1 - x0))
    depth = distance(flat, corners)
    return np.where(crossed, depth, -depth)


def _rising(line: Float[ndarray, "N 3"]) -> tuple[Weights, Weights]:
    """x and y of a line's points from the smallest x on, as `np.interp` wants them."""
    order = np.argsort(line[:, 0])
    return line[order, 0], line[order, 1]


def _nose(marks: Float[ndarray, "68 3"]) -> Float[ndarray, "N 3"]:
    left, right = np.array([0.12, 0, 0]), np.array([-0.12, 0, 0])
    return np.stack(
        [marks[27] + right, marks[27] + left, marks[35] + left, marks[33] - [0, 0.03, 0], marks[31] + right]
    )


def _outline(marks: Float[ndarray, "68 3"]) -> Float[ndarray, "N 3"]:
    """The jaw from ear to ear, then over the forehead."""
    return np.concatenate([marks[:17], marks[26:16:-1] + 0.8 * UP])


def _beard(points: Float[ndarray, "V 3"], marks: Float[ndarray, "68 3"]) -> Weights:
    """Chin and jaw up to the ears, and the upper lip."""
    _, y, _ = points.T
    under = np.interp(
        points[:, 0], *_rising(np.stack([marks[1], marks[48] - [0.1, 0, 0], marks[54] + [0.1, 0, 0], marks[15]]))
    )
    whiskers = ramp(y - under, 0.05, -0.12) * ramp(y, marks[8, 1] - 0.3, marks[8, 1] - 0.1)
    top = np.stack([marks[48], marks[31], marks[33], marks[35], marks[54], marks[52], marks[51], marks[50]])
    return np.maximum(whiskers, ramp(inside(points, top), -0.06, 0.02))
