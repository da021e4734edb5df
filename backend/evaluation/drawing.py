"""DDIM sampling with any of a family's networks, for what diffusers' own pipelines do not take in one form."""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.model import Diffusion

STEPS = 20


@torch.no_grad()
def drawn(
    model: Diffusion,
    noise: Float[Tensor, "B 4 h w"],
    text: Float[Tensor, "2 B L D"],
    scale: float,
    original: Float[Tensor, "B 4 h w"] | None = None,
    image_scale: float = 1.5,
    depth: Float[Tensor, "B 3 H W"] | None = None,
    steps: int = STEPS,
) -> Float[Tensor, "B 4 h w"]:
    """Scaled latents drawn from noise by DDIM without randomness (Song et al. 2021).

    Args:
        text: embeddings of the texts and of the empty one.
        scale, image_scale: of guidance by text and, where an original is edited, by it (Brooks et al. 2023, eq. 3).
    """
    levels = torch.linspace(len(model.alphas_cumprod) - 1, 0, steps + 1).long()
    latents = noise
    for level, below in pairwise(levels):
        timestep = level.repeat(len(noise))
        if original is None:
            wanted, other = model.predict_each(latents.expand(2, *latents.shape), timestep, text, depth=depth)
            found = other + scale * (wanted - other)
        else:
            shown = torch.stack([original, original, torch.zeros_like(original)])
            full, image, plain = model.predict_each(
                latents.expand(3, *latents.shape), timestep, text[[0, 1, 1]], shown, depth
            )
            found = plain + image_scale * (image - plain) + scale * (full - image)
        alpha, next_alpha = model.alpha(timestep), model.alpha(below.repeat(len(noise)))
        clean = (latents - (1 - alpha).sqrt() * found) / alpha.sqrt()
        if below == 0:
            return clean
        latents = next_alpha.sqrt() * clean + (1 - next_alpha).sqrt() * found
    return latents
