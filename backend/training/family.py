"""Trains the starter family's UNets: the one that draws, then from it the one that edits."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from jaxtyping import Float
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from . import networks
from .autoencoder import encode
from .data import VIEWS, caption_of, read_set
from .loop import fit
from .noised import Noised
from .workers import Workers

BATCH = 48
RATE = 8e-4
CLAY_SHARE = 0.6  # of the pictures: shapes change them less than colours do
DROPPED = 0.1  # share of captions left empty, for classifier-free guidance

Batch = tuple[Noised, list[str]]


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
class Reader:
    """A text encoder that has learnt to read and stays as it is."""

    tokenizer: CLIPTokenizer
    text_encoder: CLIPTextModel

    @torch.no_grad()
    def __call__(self, texts: list[str]) -> Float[Tensor, "B L D"]:
        tokens = self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
        return self.text_encoder(tokens.input_ids).last_hidden_state


def train_draw(
    unet: UNet2DConditionModel, lessons: Lessons, reader: Reader, minutes: float, seed: int, journal: Path
) -> None:
    """Text to image."""

    def batch(rng: random.Random) -> Batch:
        latents, captions = draw_batch(lessons, rng)
        return Noised.of(networks.scheduler(), latents), captions

    _fit_unet(unet, batch, reader, minutes, seed, "draw", journal)


def train_edit(
    unet: UNet2DConditionModel, lessons: Lessons, reader: Reader, minutes: float, seed: int, journal: Path
) -> None:
    """Picture and instruction to picture (InstructPix2Pix)."""

    def batch(rng: random.Random) -> Batch:
        after, instructions, before = edit_batch(lessons, rng)
        return Noised.of(networks.scheduler(), after, before), instructions

    _fit_unet(unet, batch, reader, minutes, seed, "edit", journal)


@torch.no_grad()
def editor_from(draw: UNet2DConditionModel) -> UNet2DConditionModel:
    """A UNet of eight channels that at first draws as `draw` does, deaf to the four new ones (Brooks et al. 2023)."""
    unet = networks.unet(8)
    state = draw.state_dict()
    first = torch.zeros_like(unet.conv_in.weight)
    first[:, :4] = state["conv_in.weight"]
    unet.load_state_dict({**state, "conv_in.weight": first})
    return unet


def _fit_unet(
    unet: UNet2DConditionModel,
    draw: Callable[[random.Random], Batch],
    reader: Reader,
    minutes: float,
    seed: int,
    label: str,
    journal: Path,
) -> None:
    torch.manual_seed(seed)
    rng = random.Random(seed)
    trial, texts = draw(rng)
    workers = Workers(unet, trial, reader(texts))

    def step() -> Tensor:
        noised, texts = draw(rng)
        return torch.tensor(workers.backward(noised, reader(texts))[0])

    fit(step, unet.parameters(), minutes, rate=RATE, label=label, journal=journal)


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
