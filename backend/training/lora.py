"""Low-rank adapters (LoRA, Hu et al. 2021) on a UNet's attention, and the file diffusers loads them from."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from jaxtyping import Float
from safetensors.torch import save
from torch import Tensor
from torch.nn.utils import parametrize

FILE = "pytorch_lora_weights.safetensors"
LAYERS = ("to_q", "to_k", "to_v", "to_out.0")
RANK = 32


class LowRank(torch.nn.Module):
    """Adds up·down to a weight; `up` starts at 0, so that nothing changes at first."""

    def __init__(self, weight: Float[Tensor, "O I"], rank: int):
        super().__init__()
        rank = min(rank, *weight.shape)
        self.down = torch.nn.Parameter(torch.randn(rank, weight.shape[1]) / rank)
        self.up = torch.nn.Parameter(torch.zeros(weight.shape[0], rank))

    def forward(self, weight: Float[Tensor, "O I"]) -> Float[Tensor, "O I"]:
        return weight + self.up @ self.down


def adapt(unet: UNet2DConditionModel, rank: int = RANK) -> None:
    """Freezes the UNet and gives each projection of its attention an adapter."""
    unet.requires_grad_(False)
    for _, layer in _projections(unet):
        parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank))


def file_of(unet: UNet2DConditionModel) -> bytes:
    """The adapters as diffusers' `load_lora_weights` takes them."""
    tensors = {}
    for name, layer in _projections(unet):
        adapter = layer.parametrizations["weight"][0]
        tensors[f"unet.{name}.lora_A.weight"] = adapter.down.detach().contiguous()
        tensors[f"unet.{name}.lora_B.weight"] = adapter.up.detach().contiguous()
    return save(tensors)


def merge(unet: UNet2DConditionModel) -> None:
    """Makes the adapters part of the weights."""
    for _, layer in _projections(unet):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)


def _projections(unet: UNet2DConditionModel) -> list[tuple[str, Any]]:
    found = [(name, part) for name, part in unet.named_modules() if isinstance(part, Attention)]
    return [(f"{name}.{layer}", part.get_submodule(layer)) for name, part in found for layer in LAYERS]
