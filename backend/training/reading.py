"""Teaches the text encoder to read before the UNets begin: after a text, its state should say what the text said.

Without it a thousand steps left the text-to-image UNet deaf (its loss was 0.1 % worse with shuffled captions): a
caption's many words must be bound together before any of them helps to predict noise.
"""

from __future__ import annotations

import random

import torch
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from ..language import CLAY, PHOTO, asked, described, draw_colour_change, draw_person, draw_shape_change, labels
from .loop import fit

BATCH = 64


def draw_texts(count: int, rng: random.Random) -> tuple[list[str], list[set[str]]]:
    """Captions and instructions, half each, with their labels."""
    texts: list[str] = []
    said: list[set[str]] = []
    while len(texts) < count:
        person = draw_person(rng)
        if rng.random() < 0.5:
            text, labels_ = described(person, rng, rng.choice((CLAY, PHOTO)))
        else:
            change = rng.choice((draw_shape_change, draw_colour_change))(person, rng)
            text, labels_ = change.instruction, asked(change)
        texts.append(text)
        said.append(labels_)
    return texts, said


def teach(text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer, minutes: float, seed: int) -> torch.nn.Linear:
    """Trains the encoder with a linear reader on all states from the end of the text on; returns the reader."""
    known = {label: index for index, label in enumerate(labels())}
    reader = torch.nn.Linear(text_encoder.config.hidden_size, len(known))
    rng = random.Random(seed)

    def step() -> Tensor:
        texts, said = draw_texts(BATCH, rng)
        target = torch.zeros(BATCH, len(known))
        for row, labels_ in enumerate(said):
            target[row, [known[label] for label in labels_]] = 1
        found, after = read(text_encoder, reader, tokenizer, texts)
        wrong = torch.nn.functional.binary_cross_entropy_with_logits(
            found, target[:, None].expand_as(found), reduction="none"
        )
        return (wrong.mean(2) * after).sum() / after.sum() * 10

    fit(step, [*text_encoder.parameters(), *reader.parameters()], minutes, rate=1e-3, label="reading")
    return reader


def read(
    text_encoder: CLIPTextModel, reader: torch.nn.Linear, tokenizer: CLIPTokenizer, texts: list[str]
) -> tuple[Tensor, Tensor]:
    """(B, L, labels) logits at every token, and (B, L) 1 from the end of each text on."""
    tokens = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
    return reader(text_encoder(tokens).last_hidden_state), (tokens == tokenizer.eos_token_id).float()
