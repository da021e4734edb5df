"""Trains the starter family's UNets: the one that draws, then from it the one that edits."""

from __future__ import annotations

import random
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from jaxtyping import Bool, Float
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from ..language import CLAY, PHOTO, Person, caption_pair
from . import networks
from .attending import Watched, words_of
from .autoencoder import encode
from .data import person_of, read_parts, read_set
from .focus import LOOKED, SHAPED, Focus
from .loop import fit
from .noised import Noised
from .workers import Workers

BATCH = 48
RATE = 8e-4
CLAY_SHARE = 0.6  # of the pictures: shapes change them less than colours do
DROPPED = 0.1  # share of captions left empty, for classifier-free guidance

Batch = tuple[Noised, list[str], list[int]]  # the texts of the pictures, and the numbers of the pairs


@dataclass(frozen=True)
class Lessons:
    """What the UNets learn from: scaled latents before and after a change, and what it was.

    Attributes:
        pairs: (P, 2, 4, 16, 16) before and after; in turn a change of shape in clay and one of the look textured.
        instructions: one a pair.
        persons: before and after, one a pair.
        parts: 0..1, where the picture before shows the part that the instruction names.
    """

    pairs: Float[Tensor, "P 2 4 16 16"]
    instructions: list[str]
    persons: list[tuple[Person, Person]]
    parts: Float[Tensor, "P 16 16"]

    @classmethod
    def read(cls, autoencoder: AutoencoderTiny, changes: Path) -> Lessons:
        """Encodes the set of `data.make_changes` and `data.mark_parts`."""
        shown, records = read_set(changes)
        parts = read_parts(changes, len(records))
        return cls.of(encode(autoencoder, shown).unflatten(0, (-1, 2)), records, parts)

    @classmethod
    def of(
        cls, pairs: Float[Tensor, "P 2 4 16 16"], records: list[dict[str, Any]], parts: Float[Tensor, "P 16 16"]
    ) -> Lessons:
        """Lessons from a set's latents and records."""
        persons = [(person_of(record["before"]), person_of(record["after"])) for record in records]
        return cls(pairs, [record["instruction"] for record in records], persons, parts)


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
        chosen, captions = draw_batch(lessons, rng)
        shown, other, captions = either_way(lessons.pairs[chosen], captions, rng)
        return Noised.of(networks.scheduler(), shown, other, told(captions)), captions, chosen

    _fit_unet(unet, batch, None, reader, minutes, seed, "draw", journal)


def train_edit(
    unet: UNet2DConditionModel, lessons: Lessons, reader: Reader, minutes: float, seed: int, journal: Path
) -> None:
    """Picture and instruction to picture (InstructPix2Pix), looking at the part that is named."""
    words, focus = words_of(reader.tokenizer, lessons.instructions), Focus(lessons.persons)

    def batch(rng: random.Random) -> Batch:
        chosen, instructions, seen = edit_batch(lessons, focus, rng)
        pairs = lessons.pairs[chosen]
        before = pairs[:, 0] * seen[:, None, None, None]
        shown, other, instructions = either_way(pairs, instructions, rng)
        watched = Watched.of(words[chosen] * seen[:, None], lessons.parts[chosen], instructions)
        noised = Noised.of(networks.scheduler(), shown, other, told(instructions) & seen, before, watched)
        return noised, instructions, chosen

    _fit_unet(unet, batch, focus, reader, minutes, seed, "edit", journal)


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
    focus: Focus | None,
    reader: Reader,
    minutes: float,
    seed: int,
    label: str,
    journal: Path,
) -> None:
    torch.manual_seed(seed)
    rng = random.Random(seed)
    trial, texts, _ = draw(rng)
    workers = Workers(unet, trial, reader(texts))
    recent: deque[float] = deque(maxlen=50)

    def step() -> Tensor:
        noised, texts, chosen = draw(rng)
        error, missed = workers.backward(noised, reader(texts))
        if focus:
            focus.note(chosen, noised.lacking.tolist(), noised.told.tolist())
        recent.append(missed)
        if len(recent) == recent.maxlen:
            sys.stderr.write(f"{label}: {sum(recent) / len(recent):.3f} missed of what words change\n")
            recent.clear()
        return torch.tensor(error)

    fit(step, unet.parameters(), minutes, rate=RATE, label=label, journal=journal)


def draw_batch(lessons: Lessons, rng: random.Random) -> tuple[list[int], list[str]]:
    """Numbers of pairs, and fresh captions of both pictures of each, some left empty."""
    chosen, texts = [], []
    while len(texts) < BATCH:
        clay = rng.random() < CLAY_SHARE
        number = 2 * rng.randrange(len(lessons.persons) // 2) + (not clay)
        before, after = caption_pair(*lessons.persons[number], rng, CLAY if clay else PHOTO)
        if before == after:
            continue
        chosen.append(number)
        texts += ["", ""] if rng.random() < DROPPED else [before, after]
    return chosen, texts


def edit_batch(lessons: Lessons, focus: Focus, rng: random.Random) -> tuple[list[int], list[str], Bool[Tensor, " P"]]:
    """Numbers of pairs; no text for what stays as it is and the instruction for what it asks; which originals are seen.

    Without text nothing changes, so no instruction is left out where the original is seen; 5 % each go without the
    original and without both (InstructPix2Pix, 3.2.1).
    """
    chosen = [focus.choose(rng, rng.choice((SHAPED, LOOKED))) for _ in range(BATCH // 2)]
    rolls = [rng.random() for _ in chosen]
    texts = [
        text
        for roll, index in zip(rolls, chosen, strict=True)
        for text in ("", "" if roll < 0.05 else lessons.instructions[index])
    ]
    return chosen, texts, torch.tensor([roll >= 0.1 for roll in rolls])


def either_way(
    pairs: Float[Tensor, "P 2 4 h w"], texts: list[str], rng: random.Random
) -> tuple[Float[Tensor, "P 4 h w"], Float[Tensor, "P 4 h w"], list[str]]:
    """What is shown of each pair, what is not, and the texts in that order: of about half the one after the change."""
    after = [rng.random() < 0.5 for _ in pairs]
    row, first = torch.arange(len(pairs)), torch.tensor(after).long()
    ordered = [
        text
        for turned, two in zip(after, zip(texts[0::2], texts[1::2], strict=True), strict=True)
        for text in (reversed(two) if turned else two)
    ]
    return pairs[row, first], pairs[row, 1 - first], ordered


def told(texts: list[str]) -> Bool[Tensor, " P"]:
    """Of each pair of texts, whether they differ."""
    return torch.tensor([before != after for before, after in zip(texts[0::2], texts[1::2], strict=True)])
