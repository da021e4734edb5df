"""The full family's networks in their published shapes, with weights that say nothing: for memory and plumbing.

The numbers are those of the config.json files of stable-diffusion-v1-5, stable-diffusion-2-1, instruct-pix2pix,
sd-controlnet-depth and clip-vit-large-patch14.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from .. import checkpoints
from ..checkpoints.profiles import EMBEDDED
from ..diffusion.model import Diffusion
from ..diffusion.plans import MemoryPlan, follow
from ..training.networks import scheduler

TOKENIZER = checkpoints.BESIDE / EMBEDDED / "tokenizer"  # CLIP's own has 49,408 tokens; these ids are among them
UNET: dict[str, Any] = {
    "sample_size": 64,
    "down_block_types": (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
    "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
VAE: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
    "sample_size": 512,
    "scaling_factor": 0.18215,
}
CLIP_L: dict[str, Any] = {
    "vocab_size": 49408,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 77,
    "projection_dim": 768,
    "hidden_act": "quick_gelu",
}
MAKERS: Mapping[str, Callable[[], Any]] = {
    "Stable Diffusion 1.5": lambda: UNet2DConditionModel(**UNET),
    "Stable Diffusion 2.1": lambda: UNet2DConditionModel(
        **UNET | {"cross_attention_dim": 1024, "attention_head_dim": (5, 10, 20, 20), "use_linear_projection": True}
    ),
    "InstructPix2Pix": lambda: UNet2DConditionModel(**UNET, in_channels=8),
    "ControlNet": lambda: ControlNetModel(cross_attention_dim=768, attention_head_dim=8),
    "autoencoder": lambda: AutoencoderKL(**VAE),
    "CLIP-L": lambda: CLIPTextModel(CLIPTextConfig(**CLIP_L)),
}
PARAMETERS = {
    "Stable Diffusion 1.5": 859_520_964,
    "Stable Diffusion 2.1": 865_910_724,
    "InstructPix2Pix": 859_532_484,
    "ControlNet": 361_279_120,
    "autoencoder": 83_653_863,
    "CLIP-L": 123_060_480,
}


def shaped(name: str) -> Any:
    """A network without weights."""
    with torch.device("meta"):
        return MAKERS[name]()


@torch.no_grad()
def filled(name: str) -> Any:
    """A network with small random weights, in half precision."""
    network = shaped(name).half().to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    for key, values in network.named_parameters():
        if key.endswith("bias"):
            values.zero_()
        elif values.ndim == 1:
            values.fill_(1.0)
        else:
            values.copy_(0.02 * torch.randn(values.shape, generator=generator))
    for key, values in network.named_buffers():
        if key.endswith("position_ids"):
            values.copy_(torch.arange(values.shape[-1]).expand(values.shape))
    return network


def networks(unet: str, device: str, dtype: torch.dtype, plan: MemoryPlan) -> Diffusion:
    """A whole Stable Diffusion 1.5 or InstructPix2Pix of random weights; `unet` is its name among MAKERS."""
    parts = {"unet": unet, "vae": "autoencoder", "text_encoder": "CLIP-L"}
    made: dict[str, Any] = {}
    for part, name in parts.items():
        precise = part == "vae" and dtype == torch.float16  # as the door has it: gradients go through it
        made[part] = filled(name).to(device, torch.float32 if precise else dtype).eval().requires_grad_(False)
    follow(plan, made, device)
    words = CLIPTokenizer.from_pretrained(str(TOKENIZER), local_files_only=True)
    return Diffusion(words, **made, alphas_cumprod=scheduler().alphas_cumprod.to(device), prediction_type="epsilon")


def write(base: Path) -> None:
    """Stable Diffusion 1.5 and InstructPix2Pix as their folders lie on the hub, one network in memory at a time."""
    for checkpoint, unet in (("stable-diffusion-1.5", "Stable Diffusion 1.5"), ("instruct-pix2pix", "InstructPix2Pix")):
        folder = base / checkpoint
        for part, name in (("unet", unet), ("vae", "autoencoder"), ("text_encoder", "CLIP-L")):
            filled(name).save_pretrained(str(folder / part))
        scheduler().save_pretrained(str(folder / "scheduler"))
        shutil.copytree(TOKENIZER, folder / "tokenizer")
