"""How far a face went along each axis of the face language, and which colour its regions have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from ..face.model import LinearFaceModel

Axis = tuple[tuple[str, float, float], ...]  # (slider, value at -1, value at +1), …


def fields(model: LinearFaceModel, axes: Sequence[Axis]) -> Float[Tensor, "A D"]:
    """Displacement of the head from one unit of each axis (half of what lies between -1 and +1), without its scale."""
    ends = model.slider_defaults.repeat(2 * len(axes), 1)
    for row, axis in enumerate(axes):
        for name, low, high in axis:
            column = model.slider_names.index(name)
            ends[2 * row, column], ends[2 * row + 1, column] = low, high
    low_ends, high_ends = model.slider_offsets(ends).unflatten(0, (-1, 2)).unbind(1)
    return without_size((high_ends - low_ends) / 2, model.rest)


def without_size(displacements: Float[Tensor, "N D"], rest: Float[Tensor, "V 3"]) -> Float[Tensor, "N D"]:
    """Displacements less their shift and their share along growing the whole head."""
    shaped = displacements.unflatten(1, (-1, 3))
    flat = (shaped - shaped.mean(1, keepdim=True)).flatten(1)
    growth = (rest - rest.mean(0)).flatten()
    growth = growth / growth.norm()
    return flat - (flat @ growth)[:, None] * growth


def positions(model: LinearFaceModel, axes: Sequence[Axis], vertices: Float[Tensor, "V 3"]) -> Float[Tensor, " A"]:
    """Where a head lies on each axis: 1 is the end of the range the networks were taught, 0 the mean head.

    All axes are solved for together (least squares), so that one that resembles another does not count twice.
    """
    basis = fields(model, axes)
    moved = without_size((vertices - model.rest).reshape(1, -1), model.rest)
    return torch.linalg.lstsq(basis.T.double(), moved.T.double()).solution[:, 0].float()


def region_colour(albedo: UInt8[ndarray, "S S 3"], weights: Float[ndarray, "S S"]) -> Float[ndarray, "3"]:
    """Mean sRGB (0..255) of an albedo over a region."""
    return (albedo * weights[..., None]).sum((0, 1)) / max(float(weights.sum()), 1e-9)


def lab(colour: Float[ndarray, "3"]) -> Float[ndarray, "3"]:
    """CIE L*a*b* (D65) of an sRGB colour 0..255. Source: IEC 61966-2-1, CIE 15."""
    c = np.asarray(colour, float) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    matrix = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    t = matrix @ linear / np.array([0.95047, 1.0, 1.08883])
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def delta_e(first: Float[ndarray, "3"], second: Float[ndarray, "3"]) -> float:
    """CIEDE2000 between two sRGB colours 0..255."""
    return ciede2000(lab(first), lab(second))


def ciede2000(first: Float[ndarray, "3"], second: Float[ndarray, "3"]) -> float:
    """Colour difference of two L*a*b* colours, about 1 where it is just seen. Source: Sharma, Wu, Dalal 2005."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    c_mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    dh = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    big_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh / 2))
    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    h_mean = h1 + h2 if c1 * c2 == 0 else (h1 + dh / 2) % 360
    t = 1 - 0.17 * np.cos(np.radians(h_mean - 30)) + 0.24 * np.cos(np.radians(2 * h_mean))
    t += 0.32 * np.cos(np.radians(3 * h_mean + 6)) - 0.20 * np.cos(np.radians(4 * h_mean - 63))
    s_l = 1 + 0.015 * (l_mean - 50) ** 2 / np.sqrt(20 + (l_mean - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c_mean, 1 + 0.015 * c_mean * t
    turn = (
        -2 * np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7)) * np.sin(np.radians(60 * np.exp(-(((h_mean - 275) / 25) ** 2))))
    )
    dl, dc, dh = (l2 - l1) / s_l, (c2 - c1) / s_c, big_h / s_h
    return float(np.sqrt(dl * dl + dc * dc + dh * dh + turn * dc * dh))
