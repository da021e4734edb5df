# SPDX-License-Identifier: GPL-3.0-or-later
"""How rough a head's skin is, by its regions: no network says it, so every face of a head model has the same.

Values of Principled's Roughness, chosen by eye: wet lips shine most, then what is oily, and the scalp least.
"""

import numpy as np
from numpy.typing import NDArray

from .bake import bake
from .head import Head

SKIN = 0.5
REGIONS = {
    "lips": 0.34,
    "nose": 0.42,
    "forehead": 0.45,
    "left_eye_area": 0.46,
    "right_eye_area": 0.46,
    "scalp": 0.56,
    "left_ear": 0.54,
    "right_ear": 0.54,
    "neck": 0.54,
}
BAKED = 512  # texels a side: between vertices the values are linear, and more texels would show no more of them


def skin_roughness(head: Head) -> NDArray[np.float32]:
    """(V,) roughness at the head's vertices; where regions overlap, what they change of the skin's adds up."""
    found = np.full(len(head.rest), SKIN, np.float32)
    for name, value in REGIONS.items():
        if name in head.region_names:
            found += head.region_weights[head.region_names.index(name)] * np.float32(value - SKIN)
    return found.clip(min(REGIONS.values()), max(REGIONS.values()))


def roughness_map(quads_uv: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(BAKED, BAKED) grey of the values at corners, arguments as of `bake`; the skin's where there is no mesh."""
    baked = bake(quads_uv, values, BAKED)
    return np.where(baked == 0, np.uint8(round(SKIN * 255)), baked)
