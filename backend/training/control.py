"""A depth ControlNet: pictures of heads with their depth, and a network that makes the drawing UNet follow it."""

from __future__ import annotations

import json
import random
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from jaxtyping import Float, UInt8
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from ..diffusion.model import Diffusion
from ..files import write_whole
from ..language import CLAY, PHOTO, Person, caption, draw_person
from ..render.picture import look
from ..render.views import sample_setting
from . import networks
from .data import person_of
from .denoising import Denoising
from .loop import fit
from .people import PICTURE, Studio
from .workers import Workers

BATCH = 48
RATE = 8e-4
VIEWS = ("clay", "photo", "photo", "photo")  # of a head: what is textured is what the texture stage shows
AZIMUTH, ELEVATION = 60.0, 15.0  # degrees either way, as the texture stage looks
OUTLINE = (500, 1000)  # timesteps of half of the lessons: below, the noisy picture itself shows where the head is
DROPPED = 0.3  # share of texts left empty, so that depth is followed for its own sake (Zhang et al. 2023, sec. 3.4)


@dataclass(frozen=True)
class Views:
    """What a ControlNet learns from.

    Attributes:
        latents: scaled, VIEWS a head.
        depths: of `Scene.depth`, near is bright, in 1/255.
        persons: one a head.
    """

    latents: Float[Tensor, "N 4 16 16"]
    depths: UInt8[Tensor, "N 128 128"]
    persons: list[Person]

    def batch(self, rng: random.Random) -> tuple[Tensor, Float[Tensor, "B 3 128 128"], list[str]]:
        """Latents, depth and fresh captions, some left empty."""
        chosen = [rng.randrange(len(self.latents)) for _ in range(BATCH)]
        texts = ["" if rng.random() < DROPPED else self.text(number, rng) for number in chosen]
        return self.latents[chosen], self.shown(chosen), texts

    def shown(self, chosen: list[int]) -> Float[Tensor, "B 3 128 128"]:
        """Depth as the stages show it."""
        return (self.depths[chosen].float() / 255)[:, None].expand(-1, 3, -1, -1)

    def text(self, number: int, rng: random.Random) -> str:
        """A fresh caption of a picture."""
        head, view = divmod(number, len(VIEWS))
        return caption(self.persons[head], rng, CLAY if VIEWS[view] == "clay" else PHOTO)


class Controlled(torch.nn.Module):
    """A drawing UNet, which stays as it is, and the ControlNet that leads it: one network for `Workers`."""

    def __init__(self, unet: UNet2DConditionModel, controlnet: ControlNetModel):
        super().__init__()
        self.controlnet, self.unet = controlnet, unet.requires_grad_(False)

    def forward(
        self,
        noisy: Float[Tensor, "B 4 h w"],
        timestep: Tensor,
        text: Float[Tensor, "B L D"],
        shown: Float[Tensor, "B 3 H W"],
    ) -> Any:
        down, middle = self.controlnet(noisy, timestep, text, controlnet_cond=shown, return_dict=False)
        return self.unet(
            noisy, timestep, text, down_block_additional_residuals=down, mid_block_additional_residual=middle
        )


@torch.no_grad()
def make_views(studio: Studio, base: Diffusion, heads: int, seed: int, path: Path) -> Views:
    """Heads from around the front, encoded, with their depth; kept in a file, which is read where it is there.

    Raises:
        FolderUnwritable, DiskFull: the file is not there.
    """
    if not path.is_file():
        rng, persons, latents, depths = random.Random(seed), [], [], []
        for number in range(heads):
            person = draw_person(rng)
            persons.append(asdict(person))
            vertices = studio.vertices(person, rng.randrange(2**31))
            generator = torch.Generator().manual_seed(rng.randrange(2**31))
            scene = look(studio.surface, vertices, *sample_setting(len(VIEWS), generator, AZIMUTH, ELEVATION), PICTURE)
            clay, photos = scene.textureless(), scene.textured(studio.albedo(person))
            pictures = torch.stack([(clay if kind == "clay" else photos)[view] for view, kind in enumerate(VIEWS)])
            latents.append(base.encode(pictures))
            depths.append((scene.depth()[:, 0] * 255).round().byte())
            if number % 200 == 199:
                sys.stderr.write(f"views {number + 1}/{heads}\n")
        tensors = {"latents": torch.cat(latents), "depths": torch.cat(depths)}
        write_whole(path, save(tensors, {"persons": json.dumps(persons)}))
    with safe_open(path, "pt") as file:
        persons = [person_of(record) for record in json.loads(file.metadata()["persons"])]
        return Views(file.get_tensor("latents"), file.get_tensor("depths"), persons)


def train_controlnet(base: Diffusion, views: Views, minutes: float, seed: int, journal: Path) -> ControlNetModel:
    """A ControlNet that begins as a copy of the base's UNet.

    Args:
        journal: what a killed run goes on from.
    """
    torch.manual_seed(seed)
    rng, controlnet = random.Random(seed), networks.controlnet(base.unet)

    def draw() -> tuple[Denoising, Tensor]:
        latents, shown, texts = views.batch(rng)
        return Denoising.of(base, latents, shown, often=OUTLINE), base.encode_text(texts)

    workers = Workers(Controlled(base.unet, controlnet), *draw())

    def step() -> Tensor:
        return torch.tensor(workers.backward(*draw())[0])

    fit(step, controlnet.parameters(), minutes, RATE, "controlnet", journal)
    return controlnet
