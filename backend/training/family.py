"""Trains the starter family: the autoencoder, then text encoder, text-to-image and instruct-edit UNets together."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from jaxtyping import Float
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from . import networks
from .data import caption_of, to_network
from .loop import fit

BATCH = 16
CROPS = 8
DROPPED = 0.1  # share of captions left empty, for classifier-free guidance
LATENT_NOISE = 0.05  # smooths the decoder; a learnt deviation would take much longer to settle
LATENT_WEIGHT = 1e-3  # keeps latents near unit size


def train_autoencoder(pictures: np.ndarray, minutes: float, seed: int) -> AutoencoderKL:
    """L1 error at two sizes on random pictures, half-size crops for speed; the scaling factor makes latents unit."""
    torch.manual_seed(seed)
    model = networks.autoencoder()
    rng = np.random.default_rng(seed)

    def step() -> Tensor:
        batch = to_network(pictures[np.sort(rng.choice(len(pictures), CROPS, replace=False))])
        y, x = (8 * int(rng.integers(0, 9)) for _ in range(2))
        crop = batch[:, :, y : y + 64, x : x + 64]
        latents = model.encode(crop).latent_dist.mean  # pyright: ignore[reportAttributeAccessIssue]
        noisy = latents + LATENT_NOISE * torch.randn_like(latents)
        error = model.decode(noisy).sample - crop  # pyright: ignore[reportAttributeAccessIssue]
        edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
        patches = torch.nn.functional.avg_pool2d(error, 8).abs().mean()
        colour = (error - error.mean(dim=1, keepdim=True)).abs().mean()  # small in sum, yet the words' subject
        return error.abs().mean() + 2 * colour + 2 * patches + 0.5 * edges + LATENT_WEIGHT * latents.square().mean()

    fit(step, model.parameters(), minutes, rate=2e-3, label="autoencoder")
    model.eval().requires_grad_(False)
    sample = encode(model, pictures[rng.choice(len(pictures), 256, replace=False)])
    model.register_to_config(scaling_factor=float(1 / (sample / model.config["scaling_factor"]).std()))
    return model


@torch.no_grad()
def encode(model: AutoencoderKL, pictures: np.ndarray) -> Float[Tensor, "N 4 16 16"]:
    """Scaled latents of all pictures."""
    chunks = []
    for start in range(0, len(pictures), 64):
        latents = model.encode(to_network(pictures[start : start + 64])).latent_dist.mean  # pyright: ignore[reportAttributeAccessIssue]
        chunks.append(latents * model.config["scaling_factor"])
    return torch.cat(chunks)


class Denoising:
    """Noised batches and their loss under Stable Diffusion's schedule."""

    def __init__(self, tokenizer: CLIPTokenizer, text_encoder: CLIPTextModel, seed: int):
        self.tokenizer, self.text_encoder = tokenizer, text_encoder
        self.rng = random.Random(seed)
        self.scheduler = networks.scheduler()

    def embed(self, texts: list[str]) -> Float[Tensor, "B L D"]:
        tokens = self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
        return self.text_encoder(tokens.input_ids).last_hidden_state

    def loss(self, unet: torch.nn.Module, latents: Tensor, texts: list[str], original: Tensor | None) -> Tensor:
        noise = torch.randn_like(latents)
        timestep = torch.randint(0, 1000, (len(latents),))
        noisy = self.scheduler.add_noise(latents, noise, timestep)  # pyright: ignore[reportArgumentType]
        given = noisy if original is None else torch.cat([noisy, original], dim=1)
        return (unet(given, timestep, self.embed(texts)).sample - noise).pow(2).mean()


def train_unets(
    autoencoder: AutoencoderKL, tokenizer: CLIPTokenizer, pictures: Path, changes: Path, minutes: float, seed: int
) -> tuple[CLIPTextModel, torch.nn.Module, torch.nn.Module]:
    """One text encoder, the text-to-image UNet and the instruct-edit UNet, a batch of each every step."""
    torch.manual_seed(seed)
    text_encoder = networks.text_encoder(tokenizer)
    draw, edit = networks.unet(), networks.unet(8)
    task = Denoising(tokenizer, text_encoder, seed)
    latents = encode(autoencoder, np.load(pictures / "pictures.npy", mmap_mode="r"))
    pairs = encode(autoencoder, np.load(changes / "pictures.npy", mmap_mode="r")).unflatten(0, (-1, 2))
    persons = json.loads((pictures / "captions.json").read_text())
    instructions = json.loads((changes / "captions.json").read_text())
    rng = task.rng

    def step() -> Tensor:
        chosen = [rng.randrange(len(latents)) for _ in range(2 * BATCH)]
        texts = ["" if rng.random() < DROPPED else caption_of(persons, index, rng) for index in chosen]
        drawn = task.loss(draw, latents[chosen], texts, None)
        chosen = [rng.randrange(len(pairs)) for _ in range(2 * BATCH)]
        texts, original = [], pairs[chosen, 0].clone()
        for place, index in enumerate(chosen):
            roll = rng.random()  # InstructPix2Pix, sec. 3.2.1: 5 % without text, 5 % without picture, 5 % without both
            texts.append("" if roll < 0.1 else instructions[index])
            if 0.05 <= roll < 0.15:
                original[place] = 0
        return drawn + task.loss(edit, pairs[chosen, 1], texts, original)

    trained = [*text_encoder.parameters(), *draw.parameters(), *edit.parameters()]
    fit(step, trained, minutes, rate=6e-4, label="unets")
    for network in (text_encoder, draw, edit):
        network.eval().requires_grad_(False)
    return text_encoder, draw, edit
