"""Puts any head into one frame, so that pictures of all of them are framed alike.

What reads pictures learnt from Anny's, where the face fills a certain part of the picture; what else a head has, such
as shoulders, hangs below or goes beyond.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import HeadInvalid
from .model import LinearFaceModel
from .register import landmarks_of

SIZE = (1.58723, 1.48366)  # head units: width and height of the box round the 68 landmarks of Anny's mean head
MIDDLE = (-0.32683, 0.79332)  # head units: height and depth of its middle
FRAME = "the landmarks' box is Anny's, 1"  # counted up when the above changes: faces made in another are told apart


def framed(model: LinearFaceModel, path: Path) -> LinearFaceModel:
    """The head scaled and shifted so that its landmarks' box lies where Anny's does; as it is if it has none.

    Seen from the front both boxes have the same area. Nothing is turned, x = 0 stays the plane of symmetry, and
    `metres_per_unit` makes up for the scale.

    Raises:
        HeadInvalid: landmarks on a line; `path` is for the message.
    """
    topology = model.topology
    if topology.landmarks is None:
        return model
    marks = landmarks_of(topology)
    low, high = marks.min(axis=0), marks.max(axis=0)
    across, up, _ = high - low
    if min(across, up) < 1e-3 * float(np.ptp(topology.rest)):
        raise HeadInvalid(
            f"{path}: the landmarks span {across:.2g} × {up:.2g} head units, expected a face's",
            advice="get the head's file of landmarks again",
        )
    scale = float(np.sqrt(SIZE[0] * SIZE[1] / (across * up)))
    shift = np.array([0, *MIDDLE]) - scale * (low + high) / 2 * [0, 1, 1]
    placed = replace(
        topology,
        rest=(topology.rest * scale + shift).astype(np.float32),
        metres_per_unit=topology.metres_per_unit / scale,
        topology_id=hashlib.sha256(f"{topology.topology_id} {FRAME}".encode()).hexdigest()[:16],
    )
    return LinearFaceModel(placed, model.identity_basis * scale, model.expression_basis * scale)
