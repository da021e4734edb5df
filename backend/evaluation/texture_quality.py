"""What is wrong with an albedo: seams that show, light painted in, loud colours, holes, a face behind the ears."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray

from ..face.checks import edges_of
from ..face.mesh import Topology
from ..render.uv import sample
from .appearance import Chart
from .colours import delta_e, lab

SEAM_STEPS = 5  # places along each seam edge
BLACK = 10  # of 255, in every channel
LOUD = 0.9  # saturation of a shout
BACK = -0.35  # head units: what lies behind the ears
BINS = 10


def texture_quality(
    topology: Topology, chart: Chart, albedo: UInt8[ndarray, "S S 3"], before: UInt8[ndarray, "S S 3"]
) -> dict[str, Any]:
    """Of an albedo and what it was made from.

    Returns:
        seam_energy: mean ΔE2000 between the two sides of the UV seams of the skin.
        residual_shading: how far the face's lightness varies (deviation in L*) with what a smooth light would do
            (9 spherical harmonics of the normals), beyond that of `before`; a painted mask raises it too.
        saturation: shares of skin texels in ten bins of HSV saturation; loud: share above LOUD.
        black, uncovered: shares of skin texels that are nearly black, and of all that have no colour at all.
        back_strokes: mean ΔE2000 between neighbours on the back of the head, beyond that of `before`.
    """
    saturation = _saturation(albedo[chart.skin])
    bins = np.histogram(saturation, BINS, (0, 1))[0] / max(saturation.size, 1)
    back = chart.skin & (chart.position[2] < BACK)
    return {
        "seam_energy": round(seam_energy(topology, albedo), 3),
        "residual_shading": round(_shading(chart, albedo) - _shading(chart, before), 4),
        "saturation": [round(float(value), 4) for value in bins],
        "loud": round(float((saturation > LOUD).mean()), 5),
        "black": round(float((albedo[chart.skin] < BLACK).all(axis=1).mean()), 5),
        "uncovered": round(float((albedo[chart.covered] == 0).all(axis=1).mean()), 6),
        "back_strokes": round(_roughness(albedo, back) - _roughness(before, back), 4),
    }


def seam_energy(topology: Topology, albedo: UInt8[ndarray, "S S 3"]) -> float:
    """Mean ΔE2000 between the colours that one seam of the skin has on its two sides."""
    skin = topology.part_faces("skin")
    edges = edges_of(topology.faces[skin])
    inner = np.flatnonzero(edges.sides[:, 1] >= 0)
    sides = [_uv_ends(topology, skin, edges.sides[inner, side], edges.ends[inner]) for side in (0, 1)]
    cut = (sides[0] != sides[1]).any(axis=(1, 2))
    if not cut.any():
        return 0.0
    share = (np.arange(SEAM_STEPS) + 0.5)[:, None, None] / SEAM_STEPS
    texture = torch.from_numpy(albedo.copy()).permute(2, 0, 1)[None].float()
    colours = []
    for ends in sides:
        start, end = ends[cut].transpose(1, 0, 2)
        places = torch.from_numpy((start + (end - start) * share).reshape(-1, 2)).float()
        colours.append(sample(texture, places, torch.zeros(len(places), dtype=torch.long)).numpy().astype(float))
    return float(delta_e(*colours).mean())


def _uv_ends(topology: Topology, skin: ndarray, triangles: ndarray, ends: ndarray) -> Float[ndarray, "N 2 2"]:
    """(N, 2, 2) the texture coordinates that one triangle has at both ends of an edge."""
    faces, uv_faces = topology.faces[skin][triangles], topology.uv_faces[skin][triangles]
    corner = (faces[:, None, :] == ends[:, :, None]).argmax(axis=2)
    return topology.uvs[np.take_along_axis(uv_faces, corner, axis=1)]


def _shading(chart: Chart, albedo: UInt8[ndarray, "S S 3"]) -> float:
    """Deviation in L*, over the front of the skin, of what 9 spherical harmonics of the normals explain."""
    where = chart.skin & (chart.position[2] > 0)
    lightness = lab(albedo[where][::7].astype(float))[:, 0]
    x, y, z = chart.normal[:, where][:, ::7].astype(float)
    basis = np.stack([np.ones_like(x), x, y, z, x * y, y * z, z * x, 3 * z * z - 1, x * x - y * y], axis=1)
    explained = basis @ np.linalg.lstsq(basis, lightness, rcond=None)[0]
    return float(explained.std())


def _saturation(texels: UInt8[ndarray, "N 3"]) -> Float[ndarray, " N"]:
    high, low = texels.max(axis=1).astype(float), texels.min(axis=1)
    return (high - low) / np.maximum(high, 1)


def _roughness(albedo: UInt8[ndarray, "S S 3"], where: Bool[ndarray, "S S"]) -> float:
    """Mean ΔE2000 between a texel and the one four to its right, both in the area."""
    both = where[:, 4:] & where[:, :-4]
    if not both.any():
        return 0.0
    first, second = albedo[:, 4:][both][::5].astype(float), albedo[:, :-4][both][::5].astype(float)
    return float(delta_e(first, second).mean())
