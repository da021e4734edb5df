"""Detail of large textures: the UV square crop by crop, drawn anew from a little noise (SDEdit, Meng et al. 2022).

What is painted is as small as the networks can see whole; a larger texture is smooth. Its crops are as large as the
networks' pictures. They overlap, begin with one noise, and are blended by windows that fall off to their borders, so
that no border shows.
"""

from __future__ import annotations

import itertools
import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..diffusion.model import Diffusion
from ..errors import Cancelled
from ..settings import TextureSettings
from .optimise import Watch


@torch.no_grad()
def refined(
    albedo: Float[Tensor, "1 3 S S"],
    fixed: Bool[Tensor, "T T"],
    networks: Diffusion,
    text: Float[Tensor, "2 L D"],
    settings: TextureSettings,
    seed: int,
    watch: Watch,
) -> Float[Tensor, "1 3 S S"]:
    """The albedo with the detail that the networks see in it.

    What is added is what they drew less what they were given, both decoded: what their autoencoder loses stays.

    Args:
        albedo: at least as large as the networks' pictures.
        fixed: texels that stay, at any size.
        text: embeddings of (text, negative text).

    Raises:
        Cancelled: between two crops.
    """
    size, side, grain = albedo.shape[-1], networks.picture_size, networks.reduction
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(1, 4, size // grain, size // grain, generator=generator).to(albedo)
    kept = torch.nn.functional.interpolate(fixed[None, None].float(), (size, size))[0, 0] > 0
    weight, shape = torch.zeros_like(albedo[:, :1]), window(side, settings.refine_overlap).to(albedo)
    change = torch.zeros_like(albedo)
    starts = crops(size, side, settings.refine_overlap, grain)
    places = list(itertools.product(starts, starts))
    for number, (top, left) in enumerate(places, start=1):
        if watch.cancelled():
            raise Cancelled(f"stopped at crop {number} of {len(places)}")
        here = (..., slice(top, top + side), slice(left, left + side))
        if not kept[here].all():
            before = networks.encode(albedo[here])
            there = (..., slice(top // grain, (top + side) // grain), slice(left // grain, (left + side) // grain))
            after = redrawn(before, noise[there], networks, text, settings)
            change[here] += shape * (networks.decode(after) - networks.decode(before))
            weight[here] += shape
        watch.progress(number, len(places))
    whole = (albedo + change / weight.clamp(min=1e-9)).clamp(0, 1)
    return torch.where(kept, albedo, whole)


def redrawn(
    latents: Float[Tensor, "1 4 h w"],
    noise: Float[Tensor, "1 4 h w"],
    networks: Diffusion,
    text: Float[Tensor, "2 L D"],
    settings: TextureSettings,
) -> Float[Tensor, "1 4 h w"]:
    """Latents, given noise up to a timestep and brought back by DDIM (Song et al. 2021, eq. 12 with η = 0)."""
    steps = settings.refine_steps
    levels = [torch.tensor([round(settings.refine_from * (steps - step) / steps)]) for step in range(steps)]
    predicted = noise
    for level in levels:
        noisy = networks.add_noise(latents, predicted, level)
        wanted, other = networks.predict_each(noisy.expand(2, *noisy.shape), level, text)
        predicted = other + settings.refine_guidance_scale * (wanted - other)
        alpha = networks.alpha(level)
        latents = (noisy - (1 - alpha).sqrt() * predicted) / alpha.sqrt()
    return latents


def crops(size: int, side: int, overlap: float, grain: int) -> list[int]:
    """Where crops begin, evenly spaced: they cover `size` texels and have a share of `overlap` or more in common.

    Args:
        grain: texels that a latent spans; crops begin between latents.
    """
    count = math.ceil((size - side) / (side * (1 - overlap))) + 1
    return [round((size - side) * number / max(1, count - 1) / grain) * grain for number in range(count)]


def window(side: int, overlap: float) -> Float[Tensor, "S S"]:
    """How much a crop counts at each of its texels: 1 in the middle, softly down to nearly 0 at its border."""
    place = torch.arange(side) + 0.5
    inward = torch.minimum(place, side - place) / (side * overlap)
    ramp = (inward.clamp(max=1) * math.pi / 2).sin().square()
    return ramp[:, None] * ramp
