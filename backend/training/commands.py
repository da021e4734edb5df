"""`train head` and `train starter`, from nothing to files in `ckpts/starter`, and `train sheet`."""

from __future__ import annotations

import copy
import os
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny
from PIL import Image
from transformers import CLIPTokenizer

from ..checkpoints import BESIDE
from ..face import anny
from ..files import write_whole
from ..language import Look
from . import data, family, head, networks, reading, sheets, tokenizer
from .canvas import Canvas
from .painter import paint
from .people import Studio

STARTER = BESIDE / "starter"
AUTOENCODER_SHARE, READING_SHARE = 0.18, 0.05  # of the training time
ALBEDO_SIZE = 1024
NEW_HEAD = Look(eyes="brown", brows="brown", tone=0.35, seed=6)


def work_folder() -> Path:
    """Where data sets and caches lie: `$FACEWRIGHT_HOME/training`."""
    folder = Path(os.environ.get("FACEWRIGHT_HOME", BESIDE.parent / ".facewright")) / "training"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def train_head() -> dict[str, Any]:
    """anny.npz and the albedo a new head wears."""
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
    sets = work_folder() / f"starter-{heads}-{seed}"
    studio = Studio.of(anny.load(STARTER / "anny.npz"))
    if not (sets / "pictures" / "captions.json").is_file():
        data.make_pictures(studio, heads, 2 * seed + 1, sets / "pictures")
    if not (sets / "changes" / "captions.json").is_file():
        data.make_changes(studio, heads * 4 // 5, 2 * seed + 2, sets / "changes")
    words = tokenizer.build()
    pictures = np.load(sets / "pictures" / "pictures.npy", mmap_mode="r")
    vae = family.train_autoencoder(pictures, minutes * AUTOENCODER_SHARE, seed)
    torch.manual_seed(seed)
    trained = family.Networks(networks.text_encoder(words), networks.unet(), networks.unet(8))
    reading.teach(trained.text_encoder, words, minutes * READING_SHARE, seed)
    lessons = family.Lessons.read(vae, sets / "pictures", sets / "changes")
    rest = minutes * (1 - AUTOENCODER_SHARE - READING_SHARE)
    family.train_unets(lessons, words, trained, rest, seed, lambda: write_family(STARTER, words, vae, trained))
    return {"folder": STARTER.name, "minutes": minutes, "heads": heads}


def write_family(out: Path, words: CLIPTokenizer, vae: AutoencoderTiny, trained: family.Networks) -> None:
    """All folders of the family in half precision, each replaced whole."""
    weights = {"vae": vae, "text_encoder": trained.text_encoder, "unet": trained.draw, "instruct_edit": trained.edit}
    halves = {name: copy.deepcopy(network).half() for name, network in weights.items()}
    for name, part in {"tokenizer": words, "scheduler": networks.scheduler(), **halves}.items():
        partial = out / f".{name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        part.save_pretrained(partial)
        shutil.rmtree(out / name, ignore_errors=True)
        partial.rename(out / name)


def _png(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
