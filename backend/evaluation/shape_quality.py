"""What is wrong with a head as a mesh: folded and crossing triangles, lids and lips that do not close."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..face.checks import flipped, landmark_points
from ..face.crossings import crossings
from ..face.mesh import Topology

# Pairs of landmarks that meet: upper and lower lids of both eyes, upper and lower lip.
LIDS = ((37, 41), (38, 40), (43, 47), (44, 46))
LIPS = ((61, 67), (62, 66), (63, 65))
BLINK = ("eyeBlinkLeft", "eyeBlinkRight")
SHUT = ("jawOpen", "mouthClose")  # together they leave the mouth shut, the jaw low (ARKit's mouthClose)


def mesh_quality(
    topology: Topology, vertices: Float[ndarray, "V 3"], expressions: Float[ndarray, "E V 3"]
) -> dict[str, Any]:
    """Of a resting head and its expressions, as differences.

    Returns:
        flipped: triangles that face the other way than in the mean head; crossing: skin triangles that cut through
            others beyond those of the mean head; lid_gap_mm, lip_gap_mm: by how much lids stay farther apart after
            BLINK, and lips after SHUT, than the mean head's (landmarks lie beside the rims, not on them); None for a
            head without those keys.
    """
    skin = topology.faces[topology.part_faces("skin")]
    return {
        "flipped": int(flipped(vertices, topology.rest, topology.faces).sum()),
        "crossing": len(crossings(vertices, skin)) - len(crossings(topology.rest, skin)),
        "lid_gap_mm": _beyond(topology, vertices, expressions, BLINK, LIDS),
        "lip_gap_mm": _beyond(topology, vertices, expressions, SHUT, LIPS),
    }


def _beyond(
    topology: Topology,
    vertices: Float[ndarray, "V 3"],
    expressions: Float[ndarray, "E V 3"],
    keys: tuple[str, ...],
    pairs: tuple[tuple[int, int], ...],
) -> float | None:
    """Millimetres by which the pair that is farthest off is farther apart than on the mean head; below 0 is closer."""
    if topology.landmarks is None or not set(keys) <= set(topology.expression_names):
        return None
    posed = np.sum([expressions[topology.expression_names.index(key)] for key in keys], axis=0)
    gaps = []
    for head in (vertices, topology.rest):
        points = landmark_points(head + posed, topology.faces, topology.landmarks)
        gaps.append(np.array([np.linalg.norm(points[a] - points[b]) for a, b in pairs]))
    return round(1000 * topology.metres_per_unit * float((gaps[0] - gaps[1]).max()), 3)


def identity_change(before: Float[ndarray, "V 3"], after: Float[ndarray, "V 3"], millimetres: float) -> float:
    """Root mean square distance in millimetres after the best shift, turn and scale (Procrustes).

    Args:
        millimetres: one head unit in them.
    """
    a, b = (points.astype(np.float64) - points.mean(axis=0) for points in (before, after))
    left, sizes, right = np.linalg.svd(b.T @ a)
    mirror = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    turn = left @ (mirror[:, None] * right)
    scale = float((sizes * mirror).sum() / (b * b).sum())
    return float(np.sqrt(((scale * b @ turn - a) ** 2).sum(axis=1).mean()) * millimetres)
