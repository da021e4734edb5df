"""Colours of regions, and how far two colours are apart: CIE L*a*b* and CIEDE2000, over arrays of any shape."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])  # D65


def region_colour(albedo: UInt8[ndarray, "S S 3"], weights: Float[ndarray, "S S"]) -> Float[ndarray, "3"]:
    """Mean sRGB (0..255) of an albedo over a region."""
    return (albedo * weights[..., None]).sum((0, 1)) / max(float(weights.sum()), 1e-9)


def lab(colours: Float[ndarray, "*N 3"]) -> Float[ndarray, "*N 3"]:
    """CIE L*a*b* (D65) of sRGB colours 0..255. Source: IEC 61966-2-1, CIE 15."""
    c = np.asarray(colours, float) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    t = linear @ TO_XYZ.T / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def delta_e(first: Float[ndarray, "*N 3"], second: Float[ndarray, "*N 3"]) -> Float[ndarray, "*N"]:
    """CIEDE2000 between sRGB colours 0..255."""
    return ciede2000(lab(first), lab(second))


def ciede2000(first: Float[ndarray, "*N 3"], second: Float[ndarray, "*N 3"]) -> Float[ndarray, "*N"]:
    """Colour difference of L*a*b* colours, about 1 where it is just seen. Source: Sharma, Wu, Dalal 2005."""
    (l1, a1, b1), (l2, a2, b2) = np.moveaxis(first, -1, 0), np.moveaxis(second, -1, 0)
    c_mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    grey = c1 * c2 == 0
    dh = np.where(grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    big_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh / 2))
    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    h_mean = np.where(grey, h1 + h2, (h1 + dh / 2) % 360)
    t = 1 - 0.17 * np.cos(np.radians(h_mean - 30)) + 0.24 * np.cos(np.radians(2 * h_mean))
    t += 0.32 * np.cos(np.radians(3 * h_mean + 6)) - 0.20 * np.cos(np.radians(4 * h_mean - 63))
    s_l = 1 + 0.015 * (l_mean - 50) ** 2 / np.sqrt(20 + (l_mean - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c_mean, 1 + 0.015 * c_mean * t
    turn = np.sin(np.radians(60 * np.exp(-(((h_mean - 275) / 25) ** 2))))
    turn = -2 * np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7)) * turn
    dl, dc, dh = (l2 - l1) / s_l, (c2 - c1) / s_c, big_h / s_h
    return np.asarray(np.sqrt(np.maximum(dl * dl + dc * dc + dh * dh + turn * dc * dh, 0)))
