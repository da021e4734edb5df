"""Reads a Stable Diffusion's component folders, and says by name which ones it cannot use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from .. import errors

LATENT_CHANNELS = 4
NETWORKS = ("text_encoder", "vae", "unet", "controlnet")
CONVOLUTIONAL = ("vae", "unet", "controlnet")
ANOTHER = "use the folders of a Stable Diffusion 1.x or 2.x"


def read(folders: Mapping[str, Path], device: str, dtype: torch.dtype) -> dict[str, Any]:
    """The components by name: networks frozen on the device, the tokenizer and a `DDIMScheduler`.

    Where `dtype` is float16 the autoencoder stays in float32, for gradients go through it and would vanish. On CUDA
    convolutions lie channels last. Only safetensors are read.

    Raises:
        errors.CheckpointUnsupported: networks of another architecture, such as Stable Diffusion XL.
        errors.CheckpointInvalid: a folder does not hold what its name says, or two do not fit.
    """
    configs = {name: _config(folder) for name, folder in folders.items()}
    _refuse_others(configs, folders["unet"].parent.name)
    _refuse_misfits(configs, folders["unet"].parent.name)
    read = {}
    for name, kind in _classes(configs).items():
        part = _read_part(kind, folders[name], _dtype_of(name, dtype) if name in NETWORKS else None)
        if isinstance(part, torch.nn.Module):
            part = part.to(device).eval().requires_grad_(False)
            if name in CONVOLUTIONAL and torch.device(device).type == "cuda":
                part = part.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        read[name] = part
    return read


def native_dtype(device: str) -> torch.dtype:
    """float32 but on CUDA; there bfloat16, on cards that only emulate it float16."""
    if torch.device(device).type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def _dtype_of(name: str, dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if name == "vae" and dtype == torch.float16 else dtype


def _classes(configs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    from diffusers import AutoencoderKL, AutoencoderTiny, ControlNetModel, DDIMScheduler, UNet2DConditionModel
    from diffusers.utils import logging as diffusers_logging
    from transformers import CLIPTextModel, CLIPTokenizer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    for logging in (diffusers_logging, transformers_logging):
        logging.set_verbosity_error()
    tiny = configs["vae"].get("_class_name") == "AutoencoderTiny"
    classes = {
        "tokenizer": CLIPTokenizer,
        "text_encoder": CLIPTextModel,
        "vae": AutoencoderTiny if tiny else AutoencoderKL,
        "unet": UNet2DConditionModel,
        "scheduler": DDIMScheduler,
    }
    return classes | ({"controlnet": ControlNetModel} if "controlnet" in configs else {})


def _read_part(kind: Any, folder: Path, dtype: torch.dtype | None) -> Any:
    from safetensors import SafetensorError

    options: dict[str, Any] = {"local_files_only": True}
    if dtype is not None:
        options |= {"use_safetensors": True, "variant": _variant(folder)}
        options["dtype" if kind.__name__ == "CLIPTextModel" else "torch_dtype"] = dtype
    try:
        return kind.from_pretrained(str(folder), **options)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise errors.CheckpointInvalid(
            f"{folder.name} in {folder.parent.name} is not a {kind.__name__} folder ({error})",
            advice="fetch or train it anew",
        ) from error


def _variant(folder: Path) -> str | None:
    """ "fp16" where a folder has its weights under that name only (`model.fp16.safetensors`)."""
    names = [path.name for path in folder.glob("*.safetensors")]
    return "fp16" if names and all(".fp16" in name for name in names) else None


def _config(folder: Path) -> dict[str, Any]:
    """What a folder says of itself; nothing where that cannot be read, which its own class reports better."""
    for name in ("config.json", "scheduler_config.json"):
        try:
            found = json.loads((folder / name).read_bytes())
        except (OSError, ValueError):
            continue
        return found if isinstance(found, dict) else {}
    return {}


def _refuse_others(configs: Mapping[str, Mapping[str, Any]], where: str) -> None:
    unet, vae = configs["unet"], configs["vae"]
    kind, channels = unet.get("_class_name", "UNet2DConditionModel"), unet.get("in_channels", LATENT_CHANNELS)
    prediction = configs["scheduler"].get("prediction_type", "epsilon")
    reasons = {
        "is a Stable Diffusion XL": unet.get("addition_embed_type") == "text_time",
        f"has a {kind} for a unet": kind != "UNet2DConditionModel",
        "has a unet that wants more than text": any(
            unet.get(key) for key in ("addition_embed_type", "class_embed_type", "num_class_embeds", "encoder_hid_dim")
        ),
        f"has a unet of {channels} channels, which is for neither drawing (4) nor editing (8)": channels not in (4, 8),
        f"has latents of {vae.get('latent_channels')} channels": vae.get("latent_channels", 4) != LATENT_CHANNELS,
        f"predicts {prediction!r}, neither noise nor velocity": prediction not in ("epsilon", "v_prediction"),
    }
    for reason, holds in reasons.items():
        if holds:
            raise errors.CheckpointUnsupported(f"{where} {reason}", advice=ANOTHER)


def _refuse_misfits(configs: Mapping[str, Mapping[str, Any]], where: str) -> None:
    width = configs["text_encoder"].get("hidden_size")
    for name in ("unet", "controlnet"):
        wanted = configs.get(name, {}).get("cross_attention_dim", width)
        if width is not None and wanted != width:
            raise errors.CheckpointInvalid(
                f"{name} in {where} reads texts of width {wanted}, the text_encoder writes {width}",
                advice="take all folders from one checkpoint, and a ControlNet made for it",
            )
