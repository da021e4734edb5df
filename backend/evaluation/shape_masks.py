"""Whether an edit of shape may reach where its word moves the head, and nowhere else: vertex weights against fields."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..face.mesh import Topology

MOVED = 0.1  # of the way of the vertex a word moves most: what moves less is not its place
REACHED = 0.5  # of a vertex's weight, as a texel counts as masked from half on


def shape_mask_facts(
    topology: Topology, weights: Float[ndarray, " V"], displacement: Float[ndarray, "V 3"]
) -> dict[str, Any]:
    """How the vertices an edit reaches lie to those its word's own displacement moves, by the skin's area.

    Returns:
        iou; area_over_region; covered: the share of what the word moves that is reached; kept: the share of the
        word's squared displacement that gets through the weights.
    """
    way, area = np.linalg.norm(displacement, axis=1), vertex_areas(topology)
    region, reached = way > MOVED * way.max(), weights > REACHED
    both, moved = area[region & reached].sum(), area[region].sum()
    return {
        "iou": round(float(both / area[region | reached].sum()), 4),
        "area_over_region": round(float(area[reached].sum() / moved), 4),
        "covered": round(float(both / moved), 4),
        "kept": round(float((area * way**2 * weights).sum() / (area * way**2).sum()), 4),
    }


def vertex_areas(topology: Topology) -> Float[ndarray, " V"]:
    """(V,) a third of the area of the skin triangles round each vertex of the mean head, in squared head units."""
    faces = topology.faces[topology.part_faces("skin")]
    a, b, c = topology.rest[faces].transpose(1, 0, 2)
    each = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    return np.bincount(faces.ravel(), np.repeat(each, 3), len(topology.rest))
