"""FLAME's jaw as expressions: the vertices its joint and pose correctives give at fixed angles, less those at rest."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from . import arrays

JAW = 2  # of the joints root, neck, jaw, left eye, right eye
NEEDED: dict[str, arrays.Shape] = {"J_regressor": (5, "V"), "weights": ("V", 5), "posedirs": ("V", 3, 36)}
POSES = {  # radians about x, y and z; up to these a straight line is within 6 % of the turn
    "jawOpen": (0.35, 0.0, 0.0),
    "jawLeft": (0.0, 0.10, 0.0),
    "jawRight": (0.0, -0.10, 0.0),
}


def jaw_rows(
    source: str, found: dict[str, ndarray], template: Float[ndarray, "V 3"], advice: str
) -> dict[str, Float[ndarray, "V 3"]]:
    """Name -> displacements in metres of each pose of the jaw; none where the file has no joints.

    The joint is that of the mean head, so another identity's jaw turns round a point a few millimetres off.

    Raises:
        HeadInvalid: joints, weights or correctives of another shape, or no numbers.
    Source: Li et al., Learning a model of facial shape and expression from 4D scans, eq. 1-3; smplx, `lbs`.
    """
    if "J_regressor" not in found:
        return {}
    regressor, weights, correctives = arrays.take(source, found, NEEDED, advice)
    (skin,) = arrays.take(source, {"weights": weights}, {"weights": (len(template), 5)}, advice)
    joint = regressor[JAW] @ template
    mine = correctives[..., 9 * (JAW - 1) : 9 * JAW]  # the root has none
    rows = {}
    for name, turn in POSES.items():
        matrix = rotation(np.array(turn))
        bent = template + mine @ (matrix - np.eye(3)).ravel()
        turned = (bent - joint) @ matrix.T + joint
        rows[name] = bent + skin[:, JAW, None] * (turned - bent) - template
    return rows


def rotation(turn: Float[ndarray, "3"]) -> Float[ndarray, "3 3"]:
    """The rotation about an axis by its length in radians. Source: Rodrigues."""
    angle = float(np.linalg.norm(turn))
    if angle == 0:
        return np.eye(3)
    x, y, z = turn / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
