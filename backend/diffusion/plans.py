"""How networks share a card's memory: plans from roomy to least, chosen by what is free.

On a CPU nothing is to be shared: the first plan changes nothing. Untested on CUDA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

CALLED_WITHOUT_GRADIENT = ("text_encoder", "unet", "controlnet")  # so that they may leave the card between calls


@dataclass(frozen=True)
class MemoryPlan:
    """One way to save memory.

    Attributes:
        needs_mb: free on the card, with Stable Diffusion 1.5 in 16 bits: its UNet, ControlNet and autoencoder take
            2.6 GB, encoding two pictures of 512² with their gradients about 4 GB more.
        sliced: attention is computed head by head.
        tiled: the autoencoder works picture by picture and, beyond its native size, tile by tile.
        offloaded: what takes no gradient lies in the machine's memory between calls.
    """

    name: str
    needs_mb: float
    sliced: bool = False
    tiled: bool = False
    offloaded: bool = False


PLANS = (
    MemoryPlan("roomy", 18_000.0),  # cards of 24 GB
    MemoryPlan("tight", 6_500.0, sliced=True, tiled=True),  # cards of 8 GB
    MemoryPlan("least", 0.0, sliced=True, tiled=True, offloaded=True),
)


def plan_for(free_mb: float | None) -> MemoryPlan:
    """The roomiest plan that fits; None is a CPU."""
    return PLANS[0] if free_mb is None else next(plan for plan in PLANS if free_mb >= plan.needs_mb)


def below(plan: MemoryPlan) -> MemoryPlan | None:
    """The next that takes less, if there is one."""
    number = PLANS.index(plan) + 1
    return PLANS[number] if number < len(PLANS) else None


def follow(plan: MemoryPlan, parts: Mapping[str, Any], device: str | torch.device) -> None:
    """Sets loaded networks to a plan; what they compute stays the same within rounding, but for tiles' seams.

    Args:
        parts: networks by name: text_encoder, vae, unet and, if there is one, controlnet.
        device: where they compute.
    """
    if plan.sliced:
        for name in ("unet", "controlnet"):
            if name in parts:
                parts[name].set_attention_slice("auto")
    if plan.tiled:
        parts["vae"].enable_slicing()
        parts["vae"].enable_tiling()
    if plan.offloaded:
        for name in CALLED_WITHOUT_GRADIENT:
            if name in parts:
                _rest_elsewhere(parts[name], torch.device(device))


def _rest_elsewhere(module: torch.nn.Module, device: torch.device) -> None:
    """The module is on the device only while it is called."""

    def come(called: torch.nn.Module, given: Any) -> None:
        called.to(device)

    def go(called: torch.nn.Module, given: Any, out: Any) -> None:
        called.to("cpu")

    module.register_forward_pre_hook(come)
    module.register_forward_hook(go)
    module.to("cpu")


def is_full(error: BaseException) -> bool:
    """Whether a card's memory ran out."""
    return isinstance(error, torch.OutOfMemoryError)
