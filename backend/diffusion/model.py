"""One class over diffusers' components: text to embeddings, pictures to latents and back, noise predictions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .. import errors


@dataclass(frozen=True)
class Diffusion:
    """A Stable-Diffusion-like set of networks, frozen.

    Attributes:
        alphas_cumprod: (1000,) ᾱ of the training schedule.
    """

    tokenizer: Any
    text_encoder: Any
    vae: Any
    unet: Any
    alphas_cumprod: Float[Tensor, " T"]
    prediction_type: str

    @classmethod
    def load(cls, folders: Mapping[str, Path], device: str = "cpu") -> Diffusion:
        """Loads the component folders tokenizer, text_encoder, vae, unet and scheduler.

        Raises:
            errors.CheckpointInvalid: a folder does not hold what its name says.
        """
        from diffusers import AutoencoderKL, AutoencoderTiny, DDIMScheduler, UNet2DConditionModel
        from diffusers.utils import logging as diffusers_logging
        from safetensors import SafetensorError
        from transformers import CLIPTextModel, CLIPTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        for logging in (diffusers_logging, transformers_logging):
            logging.set_verbosity_error()
        classes: dict[str, Any] = {
            "tokenizer": CLIPTokenizer,
            "text_encoder": CLIPTextModel,
            "vae": AutoencoderTiny if _is_tiny(folders["vae"]) else AutoencoderKL,
            "unet": UNet2DConditionModel,
            "scheduler": DDIMScheduler,
        }
        loaded: dict[str, Any] = {}
        for name, kind in classes.items():
            options: dict[str, Any] = {"local_files_only": True}
            if name in ("text_encoder", "vae", "unet"):
                options["dtype" if name == "text_encoder" else "torch_dtype"] = torch.float32
            try:
                part = kind.from_pretrained(str(folders[name]), **options)
            except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
                raise errors.CheckpointInvalid(
                    f"{folders[name].name} in {folders[name].parent.name} is not a {kind.__name__} folder ({error})",
                    advice="fetch or train it anew",
                ) from error
            if isinstance(part, torch.nn.Module):
                part = part.to(device).eval().requires_grad_(False)
            loaded[name] = part
        scheduler = loaded.pop("scheduler")
        return cls(
            **loaded,
            alphas_cumprod=scheduler.alphas_cumprod.to(device),
            prediction_type=scheduler.config.prediction_type,
        )

    @property
    def scaling_factor(self) -> float:
        return self.vae.config.scaling_factor

    def encode_text(self, texts: list[str]) -> Float[Tensor, "B L D"]:
        """Embeddings of texts, padded to the tokenizer's length."""
        tokens = self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
        with torch.no_grad():
            return self.text_encoder(tokens.input_ids.to(self.alphas_cumprod.device)).last_hidden_state

    def unknown_words(self, text: str) -> tuple[list[str], list[str]]:
        """Words the tokenizer has to spell (for a closed vocabulary, those the networks never saw), and all words."""
        said = list(dict.fromkeys(re.findall(r"\w+", text.lower())))
        return [word for word in said if len(self.tokenizer.tokenize(word)) > 1], said

    def encode(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 4 h w"]:
        """Scaled latents of sRGB pictures 0..1, differentiable (the posterior's mean, where there is one)."""
        encoded = self.vae.encode(images * 2 - 1)
        latents = encoded.latents if "latents" in encoded else encoded.latent_dist.mean
        return latents * self.scaling_factor

    def decode(self, latents: Float[Tensor, "B 4 h w"]) -> Float[Tensor, "B 3 H W"]:
        return (self.vae.decode(latents / self.scaling_factor).sample / 2 + 0.5).clamp(0, 1)

    def add_noise(
        self, latents: Float[Tensor, "B 4 h w"], noise: Float[Tensor, "B 4 h w"], timestep: Int[Tensor, " B"]
    ) -> Float[Tensor, "B 4 h w"]:
        alpha = self.alphas_cumprod[timestep].view(-1, 1, 1, 1)
        return alpha.sqrt() * latents + (1 - alpha).sqrt() * noise

    @torch.no_grad()
    def predict_noise(
        self,
        noisy: Float[Tensor, "B C h w"],
        timestep: Int[Tensor, " B"],
        text: Float[Tensor, "B L D"],
    ) -> Float[Tensor, "B 4 h w"]:
        """ε̂, also where the network predicts v; channels beyond the first four are conditions."""
        out = self.unet(noisy, timestep, encoder_hidden_states=text).sample
        if self.prediction_type == "epsilon":
            return out
        alpha = self.alphas_cumprod[timestep].view(-1, 1, 1, 1)
        return alpha.sqrt() * out + (1 - alpha).sqrt() * noisy[:, :4]


def _is_tiny(folder: Path) -> bool:
    """Whether a folder says it holds an `AutoencoderTiny`."""
    config = folder / "config.json"
    return config.is_file() and '"AutoencoderTiny"' in config.read_text(encoding="utf-8")
