"""`train head` and `train starter`, from nothing to files in `ckpts/starter`, and `train sheet`."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..checkpoints import BESIDE
from ..face import anny
from ..files import write_whole
from ..language import Look
from . import data, head, sheets, starter
from .canvas import Canvas
from .painter import paint
from .people import Studio

STARTER = BESIDE / "starter"
ALBEDO_SIZE = 1024
NEW_HEAD = Look(eyes="brown", brows="brown", tone=0.35, seed=6)


def work_folder() -> Path:
    """Where data sets and caches lie: `$FACEWRIGHT_HOME/training`."""
    folder = Path(os.environ.get("FACEWRIGHT_HOME", BESIDE.parent / ".facewright")) / "training"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def train_head() -> dict[str, Any]:
    """anny.npz, its shoulders and the albedo a new head wears."""
    out = STARTER / "anny.npz"
    made = head.write(out, work_folder() / "anny")
    canvas = Canvas.of(anny.load(out).topology, ALBEDO_SIZE)
    write_whole(STARTER / "anny_albedo.png", _png(data.to_bytes(paint(canvas, NEW_HEAD))[0]))
    return {
        "head": out.name,
        "vertices": len(made["rest"]),
        "megabytes": round(out.stat().st_size / 1e6, 2),
        "identity_variance_kept": float(made["identity_variance_kept"]),
    }


def train_sheet(seed: int, out: Path) -> dict[str, Any]:
    """Random faces of the painter from three sides."""
    return {"sheet": str(sheets.paint_sheet(Studio.of(anny.load(STARTER / "anny.npz")), seed, out))}


def train_starter(minutes: float, heads: int, seed: int) -> dict[str, Any]:
    """The starter family's networks, from pictures made now."""
    return starter.train_starter(STARTER / "anny.npz", work_folder(), STARTER, minutes, heads, seed)


def _png(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
