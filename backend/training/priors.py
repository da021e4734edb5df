"""Texture priors: UNets that know what textures look like, in RGB or in YUV, under one text (FaceG2E, sec. 3.2)."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.model import Diffusion
from ..diffusion.priors import TEXT
from ..errors import CheckpointUnsupported
from ..render.colour import for_prior
from . import lora, networks
from .denoising import Denoising
from .loop import fit
from .parts import write_part
from .textures import Textures
from .workers import Workers

BATCH = 16
DROPPED = 0.1  # share of texts left empty, for classifier-free guidance
DETAIL = (0, 300)  # timesteps of half of the lessons: textures that are distilled have faults of detail
RATES = {"small": 1e-3, "full": 1e-5, "lora": 1e-4}


@dataclass(frozen=True)
class PriorLessons:
    """Scaled latents of textures, mirrored too where the layout allows; what the fixed text and the empty one say."""

    latents: Float[Tensor, "N 4 h w"]
    text: Float[Tensor, "2 L D"]

    @classmethod
    def of(cls, base: Diffusion, textures: Textures, space: str) -> PriorLessons:
        """By the very functions that distillation encodes with."""
        text = base.encode_text([TEXT, ""])
        pictures = list(textures.pictures)
        if textures.mirrored:
            pictures += [picture.flip(2) for picture in pictures]
        return cls(torch.cat([seen_by_prior(base, picture[None], space) for picture in pictures]), text)

    def batch(self, rng: random.Random) -> tuple[Float[Tensor, "B 4 h w"], Float[Tensor, "B L D"]]:
        """Latents, and the text or, for DROPPED of them, the empty one."""
        chosen = [rng.randrange(len(self.latents)) for _ in range(BATCH)]
        return self.latents[chosen], self.text[[int(rng.random() < DROPPED) for _ in chosen]]


@torch.no_grad()
def seen_by_prior(base: Diffusion, texture: Float[Tensor, "1 3 S S"], space: str) -> Float[Tensor, "1 4 s s"]:
    """Latents of an sRGB texture 0..1 as the prior of a colour space learns them."""
    return base.encode(for_prior(texture.to(base.device), space)).cpu()


def train_prior(
    base: Diffusion, textures: Textures, space: str, kind: str, minutes: float, seed: int, journal: Path
) -> torch.nn.Module:
    """A UNet that knows the textures.

    Args:
        kind: "small", a little one from nothing; "full", the base's own, all of it; "lora", the base's with adapters.
        journal: what a killed run goes on from.

    Raises:
        CheckpointUnsupported: the base is one that edits.
    """
    if base.unet.config["in_channels"] != 4:
        raise CheckpointUnsupported(
            "a texture prior starts from a network that draws, the base is one that edits",
            advice="give the folder of a Stable Diffusion 1.x or 2.x",
        )
    torch.manual_seed(seed)
    unet: Any = networks.prior(base.unet.config["cross_attention_dim"]) if kind == "small" else base.unet
    unet.train().requires_grad_(True)
    if kind == "lora":
        lora.adapt(unet)
    lessons, rng = PriorLessons.of(base, textures, space), random.Random(seed)

    def draw() -> tuple[Denoising, Tensor]:
        latents, text = lessons.batch(rng)
        return Denoising.of(base, latents, often=DETAIL), text

    workers = Workers(unet.float(), *draw())

    def step() -> Tensor:
        return torch.tensor(workers.backward(*draw())[0])

    trained = [parameter for parameter in unet.parameters() if parameter.requires_grad]
    fit(step, trained, minutes, RATES[kind], f"prior {space}", journal)
    unet.register_to_config(prior_text=TEXT, prior_space=space)
    return unet


def write_prior(unet: Any, textures: Textures, kind: str, facts: Mapping[str, Any], out: Path) -> None:
    """The UNet's folder in half precision, complete or absent, with `training.json`; of adapters their own file too.

    Raises:
        FolderUnwritable, DiskFull: the folder is not there.
    """
    adapters = lora.file_of(unet) if kind == "lora" else None
    if adapters:
        lora.merge(unet)
    about = {
        "textures": len(textures.pictures),
        "layout": textures.layout,
        "mirrored": textures.mirrored,
        "licence": textures.licence,
        "text": TEXT,
        **facts,
    }
    extra = {"training.json": (json.dumps(about, indent=2) + "\n").encode()}
    write_part(unet.half(), out, extra | ({lora.FILE: adapters} if adapters else {}))
