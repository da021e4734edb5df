"""Trains the starter family: the autoencoder, then text encoder, text-to-image and instruct-edit UNets together."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny, DDIMScheduler, UNet2DConditionModel
from jaxtyping import Float, Int
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from . import networks
from .data import VIEWS, caption_of, read_set, to_network
from .loop import fit

BATCH = 24
EDIT_EVERY = 3  # steps: drawing is the harder lesson, a pair of pictures shows what an instruction does
CLAY_SHARE = 0.6  # of the pictures: shapes change them less than colours do
CROPS = 8
DROPPED = 0.1  # share of captions left empty, for classifier-free guidance
STARTS, TRIAL_SHARE = 4, 0.5  # short trainings, and their share of the time
LATENT_NOISE = 0.05  # smooths the decoder; a learnt deviation would take much longer to settle
LATENT_WEIGHT = 1e-3  # keeps latents near unit size


def train_autoencoder(pictures: np.ndarray, minutes: float, seed: int) -> AutoencoderTiny:
    """The best of STARTS short trainings, trained on; the scaling factor makes its latents unit.

    Starts differ much (after 1,300 steps one seed's loss was 0.11, another's 0.45): with four channels a latent that
    dies early is a quarter of all there is.
    """
    short = minutes * TRIAL_SHARE / STARTS
    trials = [_autoencoder_trial(pictures, short, seed + start) for start in range(STARTS)]
    _, model = min(trials, key=lambda trial: trial[0])
    _fit_autoencoder(model, pictures, minutes * (1 - TRIAL_SHARE), seed)
    model.eval().requires_grad_(False)
    sample = encode(model, pictures[: len(pictures) : max(1, len(pictures) // 256)])
    model.register_to_config(scaling_factor=float(1 / sample.std()))
    return model


def _autoencoder_trial(pictures: np.ndarray, minutes: float, seed: int) -> tuple[float, AutoencoderTiny]:
    """Squared error on pictures spread over the set, and the network."""
    torch.manual_seed(seed)
    model = networks.autoencoder()
    _fit_autoencoder(model, pictures, minutes, seed)
    shown = to_network(pictures[:: max(1, len(pictures) // 64)])
    with torch.no_grad():
        return float((model(shown).sample - shown).square().mean()), model


def _fit_autoencoder(model: AutoencoderTiny, pictures: np.ndarray, minutes: float, seed: int) -> None:
    """Squared error on random crops, of colour and of coarse patches besides."""
    rng = np.random.default_rng(seed)

    def step() -> Tensor:
        batch = to_network(pictures[np.sort(rng.choice(len(pictures), CROPS, replace=False))])
        y, x = (8 * int(rng.integers(1, 8)) for _ in range(2))
        crop = batch[:, :, y : y + 64, x : x + 64]
        latents = model.encode(crop).latents  # pyright: ignore[reportAttributeAccessIssue]
        noisy = latents + LATENT_NOISE * torch.randn_like(latents)
        error = model.decode(noisy).sample - crop  # pyright: ignore[reportAttributeAccessIssue]
        colour = error - error.mean(dim=1, keepdim=True)  # small in sum, yet the words' subject
        patches = torch.nn.functional.avg_pool2d(error, 4)
        squares = 4 * error.square().mean() + 12 * colour.square().mean() + 8 * patches.square().mean()
        return squares + 0.3 * error.abs().mean() + LATENT_WEIGHT * latents.square().mean()

    fit(step, model.parameters(), minutes, rate=2e-3, label="autoencoder")


@torch.no_grad()
def encode(model: AutoencoderTiny, pictures: np.ndarray) -> Float[Tensor, "N 4 16 16"]:
    """Scaled latents of all pictures."""
    chunks = [
        model.encode(to_network(pictures[start : start + 64])).latents  # pyright: ignore[reportAttributeAccessIssue]
        for start in range(0, len(pictures), 64)
    ]
    return torch.cat(chunks) * model.config["scaling_factor"]


@dataclass(frozen=True)
class Noised:
    """A batch for a UNet: what it sees, when, and the noise it should find."""

    given: Float[Tensor, "B C 16 16"]
    timestep: Int[Tensor, " B"]
    noise: Float[Tensor, "B 4 16 16"]

    @classmethod
    def of(cls, scheduler: DDIMScheduler, latents: Tensor, original: Tensor | None = None) -> Noised:
        """Latents at random timesteps; where an original is given, its channels follow theirs."""
        noise = torch.randn_like(latents)
        timestep = torch.randint(0, 1000, (len(latents),))
        noisy = scheduler.add_noise(latents, noise, timestep)  # pyright: ignore[reportArgumentType]
        return cls(noisy if original is None else torch.cat([noisy, original], dim=1), timestep, noise)

    def backward(self, unet: UNet2DConditionModel, text: Float[Tensor, "B L D"]) -> float:
        """The loss, after its gradients have gone into the UNet."""
        loss = (unet(self.given, self.timestep, text).sample - self.noise).square().mean()
        loss.backward()
        return loss.item()


@dataclass(frozen=True)
class Lessons:
    """What the UNets learn from: scaled latents, and the words that go with them.

    Attributes:
        latents: (N, 4, 16, 16) of the picture set, `persons` the records it shows.
        pairs: (P, 2, 4, 16, 16) before and after, `instructions` one a pair.
    """

    latents: Float[Tensor, "N 4 16 16"]
    persons: list[dict[str, Any]]
    pairs: Float[Tensor, "P 2 4 16 16"]
    instructions: list[str]

    @classmethod
    def read(cls, autoencoder: AutoencoderTiny, pictures: Path, changes: Path) -> Lessons:
        """Encodes the two sets of `data.make_pictures` and `data.make_changes`."""
        shown, persons = read_set(pictures)
        pairs, instructions = read_set(changes)
        return cls(encode(autoencoder, shown), persons, encode(autoencoder, pairs).unflatten(0, (-1, 2)), instructions)


@dataclass(frozen=True)
class Networks:
    """The text encoder both UNets share, the one that draws and the one that edits."""

    text_encoder: CLIPTextModel
    draw: UNet2DConditionModel
    edit: UNet2DConditionModel


def train_unets(
    lessons: Lessons, tokenizer: CLIPTokenizer, trained: Networks, minutes: float, seed: int, save: Callable[[], None]
) -> None:
    """Both UNets side by side, two batches every step; the text encoder stays as it is."""
    torch.manual_seed(seed)
    scheduler, rng = networks.scheduler(), random.Random(seed)
    pool = ThreadPoolExecutor(2)  # a UNet a core: two threads in each would wait for one another at every small layer
    trained.text_encoder.eval().requires_grad_(False)

    def backward(unet: UNet2DConditionModel, batch: Noised, texts: list[str]) -> float:
        tokens = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
        return batch.backward(unet, trained.text_encoder(tokens.input_ids).last_hidden_state)

    def lesson(edits: bool) -> tuple[UNet2DConditionModel, Noised, list[str]]:
        if edits:
            after, instructions, before = edit_batch(lessons, rng)
            return trained.edit, Noised.of(scheduler, after, before), instructions
        latents, captions = draw_batch(lessons, rng)
        return trained.draw, Noised.of(scheduler, latents), captions

    count = itertools.count()

    def step() -> Tensor:
        pair = (lesson(False), lesson(next(count) % EDIT_EVERY == 0))
        return torch.tensor(sum(pool.map(backward, *zip(*pair, strict=True)))) / 2

    fit(step, [*trained.draw.parameters(), *trained.edit.parameters()], minutes, rate=8e-4, label="unets", save=save)
    save()


def draw_batch(lessons: Lessons, rng: random.Random) -> tuple[Tensor, list[str]]:
    """Latents and fresh captions, some left empty."""
    heads = (rng.randrange(len(lessons.persons)) for _ in range(BATCH))
    chosen = [head * 2 * VIEWS + rng.randrange(VIEWS) + VIEWS * (rng.random() > CLAY_SHARE) for head in heads]
    texts = ["" if rng.random() < DROPPED else caption_of(lessons.persons, index, rng) for index in chosen]
    return lessons.latents[chosen], texts


def edit_batch(lessons: Lessons, rng: random.Random) -> tuple[Tensor, list[str], Tensor]:
    """Latents after, instructions, latents before; 5 % each without text, picture, both (InstructPix2Pix, 3.2.1)."""
    chosen = [rng.randrange(len(lessons.pairs)) for _ in range(BATCH)]
    before, texts = lessons.pairs[chosen, 0].clone(), []
    for place, index in enumerate(chosen):
        roll = rng.random()
        texts.append("" if roll < 0.1 else lessons.instructions[index])
        if 0.05 <= roll < 0.15:
            before[place] = 0
    return lessons.pairs[chosen, 1], texts, before
