"""Trains the starter family's autoencoder, and encodes pictures with it."""

from __future__ import annotations

import numpy as np
import torch
from diffusers import AutoencoderTiny
from jaxtyping import Float
from torch import Tensor

from . import networks
from .data import to_network
from .loop import fit

CROPS = 8
STARTS = 2
CHUNK = 8  # pictures encoded at once: larger arrays go back to the system, which zeroes them anew (3.5 times the CPU)
LATENT_NOISE = 0.05  # smooths the decoder; a learnt deviation would take much longer to settle
COLOUR_WEIGHT = 4.0  # of the mean colour, which a linear map of the latents must tell
LATENT_WEIGHT = 1e-3  # keeps latents near unit size


def train_autoencoder(pictures: np.ndarray, minutes: float, seed: int) -> AutoencoderTiny:
    """The better of STARTS trainings; the scaling factor makes its latents unit.

    Starts differ much: with four channels a latent that dies early is a quarter of all there is.
    """
    trials = [_trial(pictures, minutes / STARTS, seed + start) for start in range(STARTS)]
    _, model = min(trials, key=lambda trial: trial[0])
    model.eval().requires_grad_(False)
    sample = encode(model, pictures[: len(pictures) : max(1, len(pictures) // 256)])
    model.register_to_config(scaling_factor=float(1 / sample.std()))
    return model


def _trial(pictures: np.ndarray, minutes: float, seed: int) -> tuple[float, AutoencoderTiny]:
    """Squared error on pictures spread over the set, and the network."""
    torch.manual_seed(seed)
    model = networks.autoencoder()
    _fit(model, pictures, minutes, seed)
    shown = to_network(pictures[:: max(1, len(pictures) // 64)])
    with torch.no_grad():
        return float((model(shown).sample - shown).square().mean()), model


def _fit(model: AutoencoderTiny, pictures: np.ndarray, minutes: float, seed: int) -> None:
    """Squared error on random crops, of colour and of coarse patches besides."""
    rng = np.random.default_rng(seed)
    mean_colour = torch.nn.Conv2d(4, 3, 1)

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
        told = mean_colour(latents) - torch.nn.functional.avg_pool2d(crop, 8)
        squares = squares + COLOUR_WEIGHT * told.square().mean()
        return squares + 0.3 * error.abs().mean() + LATENT_WEIGHT * latents.square().mean()

    fit(step, [*model.parameters(), *mean_colour.parameters()], minutes, rate=2e-3, label="autoencoder")


@torch.no_grad()
def encode(model: AutoencoderTiny, pictures: np.ndarray) -> Float[Tensor, "N 4 16 16"]:
    """Scaled latents of all pictures."""
    chunks = [
        model.encode(to_network(pictures[start : start + CHUNK])).latents  # pyright: ignore[reportAttributeAccessIssue]
        for start in range(0, len(pictures), CHUNK)
    ]
    return torch.cat(chunks) * model.config["scaling_factor"]
