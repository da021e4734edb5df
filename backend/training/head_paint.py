"""Anny's regions of what is painted or grows: the painter's places, as weights of the head's vertices."""

from __future__ import annotations

import numpy as np
import torch

from .canvas import features
from .head_layout import PARTS
from .places import Ground, places, step

SPACING = 0.03  # head units between vertices of the face: lines are made no thinner, borders no crisper
HAIRS = 0.04  # head units within a border of hair over which it thins out
LIDS = 0.65  # of its cover is eye shadow: a lid is not two vertices high, and masks would spread far over its border
FAINT = 0.3  # cover of blush below which there is nothing to speak of

NAMES = {  # ours -> the painter's; those of hair are distances
    "beard": "beard",
    "eye_mask": "mask",
    "hair": "hair",
    "moustache": "moustache",
    "eye_shadow": "shadow",
    "stripes": "stripes",
    "blush": "blush",
    "freckles": "freckles",
    "left_scar": "left_scar_rim",
    "right_scar": "right_scar_rim",
}
BROWS = {"left_brow": 1.0, "right_brow": -1.0}


def painted_regions(
    rest: np.ndarray, faces: np.ndarray, parts: np.ndarray, regions: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Region name -> (V,) weights 0..1; some take the place of coarser ones of that name.

    Args:
        parts: (F,) into PARTS.
        regions: those the painter's places are told from.
    """
    rest, skin = rest.astype(np.float32), np.zeros(len(rest), bool)
    skin[faces[parts == PARTS.index("skin")]] = True
    at, position = torch.from_numpy(np.flatnonzero(skin)), torch.from_numpy(rest[skin].T.copy())
    there = {name: torch.from_numpy(weights[skin].astype(np.float32)) for name, weights in regions.items()}
    ground = Ground(at, position, there, SPACING, *features(rest, faces, parts, regions["lips"]))
    found = {}
    for name, cover in _covers(ground).items():
        found[name] = np.zeros(len(rest))
        found[name][at] = cover.numpy()
    brows = found.pop("brows")
    return found | {name: brows * (rest[:, 0] * sign > 0) for name, sign in BROWS.items()}


def _covers(ground: Ground) -> dict[str, torch.Tensor]:
    """(N,) 0..1 of each region over the ground."""
    painted = places(ground)
    found = {}
    for name, place in {**NAMES, "brows": "brows"}.items():
        cover = torch.full((int(ground.at.max()) + 1,), -1.0)
        cover[painted[place].at] = painted[place].cover
        cover = cover[ground.at]
        found[name] = step(cover, -HAIRS, HAIRS) if place in ("hair", "beard") else cover.clamp(min=0)
    found["eye_shadow"] *= LIDS
    found["blush"] = ((found["blush"] - FAINT) / (1 - FAINT)).clamp(min=0)
    return found
