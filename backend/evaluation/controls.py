"""What a run must not be able to do: land words with networks that learnt nothing, or with another item's prompt."""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from ..diffusion.model import Diffusion
from ..workshop import Networks, Workshop
from .items import Item

SEED = 99


@dataclass(frozen=True)
class Untrained(Networks):
    """The family's networks with the same configurations and random weights."""

    @cached_property
    def draw(self) -> Diffusion:  # pyright: ignore[reportIncompatibleMethodOverride]: kept, where theirs is on a shelf
        return untrained(super().draw)

    @cached_property
    def edit(self) -> Diffusion:  # pyright: ignore[reportIncompatibleMethodOverride]
        return untrained(super().edit)


def untrained_shop(shop: Workshop) -> Workshop:
    """The same head, with networks that learnt nothing."""
    return Workshop(shop.head, Untrained(shop.family, shop.base))


def untrained(networks: Diffusion) -> Diffusion:
    """The same tokenizer and noise schedule; text encoder, autoencoder and UNet as they are before any training."""
    fresh: dict[str, Any] = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        for name in ("text_encoder", "vae", "unet"):
            part = getattr(networks, name)
            made = (
                type(part)(copy.deepcopy(part.config))
                if name == "text_encoder"
                else type(part).from_config(part.config)
            )
            fresh[name] = made.to(networks.alphas_cumprod.device).eval().requires_grad_(False)
    return Diffusion(
        networks.tokenizer, **fresh, alphas_cumprod=networks.alphas_cumprod, prediction_type=networks.prediction_type
    )


def shuffled(items: list[Item], seed: int) -> list[tuple[Item, Item]]:
    """Each item with another whose prompt it is judged by: a random order in which no item keeps its own axis.

    Where all items test one axis there is no such order, and none is returned.
    """
    rng, order = random.Random(f"{SEED} {seed}"), list(items)
    for _ in range(1000):
        rng.shuffle(order)
        if all(one.shapes[0].subject != other.shapes[0].subject for one, other in zip(items, order, strict=True)):
            return list(zip(items, order, strict=True))
    return []
