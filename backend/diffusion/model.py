"""One class over diffusers' components: text to embeddings, pictures to latents and back, noise predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .folders import native_dtype, read
from .plans import PLANS, MemoryPlan, follow


@dataclass(frozen=True)
class Diffusion:
    """The networks of a Stable Diffusion 1.x or 2.x, frozen; with eight input channels, of an InstructPix2Pix.

    Tensors go in and come out in the caller's precision and place, whatever the networks compute in and where.

    Attributes:
        alphas_cumprod: (1000,) ᾱ of the training schedule, float32.
        prediction_type: what the UNet answers, "epsilon" or "v_prediction".
        controlnet: a `ControlNetModel` that looks at `Condition.depth`, where there is one.
    """

    tokenizer: Any
    text_encoder: Any
    vae: Any
    unet: Any
    alphas_cumprod: Float[Tensor, " T"]
    prediction_type: str
    controlnet: Any = None

    @classmethod
    def load(
        cls,
        folders: Mapping[str, Path],
        device: str = "cpu",
        dtype: torch.dtype | None = None,
        plan: MemoryPlan = PLANS[0],
    ) -> Diffusion:
        """Loads the component folders tokenizer, text_encoder, vae, unet, scheduler and, if given, controlnet.

        Args:
            dtype: what the networks compute in; by default what suits the device (`native_dtype`).
            plan: how they share the device's memory.

        Raises:
            errors.CheckpointUnsupported: networks of another architecture, such as Stable Diffusion XL.
            errors.CheckpointInvalid: a folder does not hold what its name says, or two do not fit.
        """
        parts = read(folders, device, dtype or native_dtype(device))
        scheduler = parts.pop("scheduler")
        follow(plan, parts, device)
        return cls(
            **parts,
            alphas_cumprod=scheduler.alphas_cumprod.to(device),
            prediction_type=scheduler.config.prediction_type,
        )

    @property
    def device(self) -> torch.device:
        return self.alphas_cumprod.device

    @property
    def scaling_factor(self) -> float:
        return self.vae.config.scaling_factor

    @property
    def shift_factor(self) -> float:
        return self.vae.config.get("shift_factor") or 0.0

    @property
    def reduction(self) -> int:
        """How many pixels a latent spans on each side."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    @property
    def picture_size(self) -> int:
        """Pixels a side of the pictures the UNet was trained on."""
        return self.unet.config["sample_size"] * self.reduction

    def encode_text(self, texts: list[str]) -> Float[Tensor, "B L D"]:
        """Embeddings of texts, padded to the tokenizer's length."""
        tokens = self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
        with torch.no_grad():
            return self.text_encoder(tokens.input_ids.to(self.device)).last_hidden_state.float().cpu()

    @property
    def longest_text(self) -> int:
        """Tokens the text encoder reads, begin and end included; what is longer is cut."""
        return self.tokenizer.model_max_length

    def count_tokens(self, text: str) -> int:
        """Tokens of a text, begin and end included."""
        return len(self.tokenizer(text, truncation=False).input_ids)

    def encode(
        self, images: Float[Tensor, "B 3 H W"], posterior: torch.Generator | None = None
    ) -> Float[Tensor, "B 4 h w"]:
        """Scaled latents of sRGB pictures 0..1, differentiable.

        Args:
            posterior: draws from it, where the autoencoder has one; None takes its mean.
        """
        encoded = self.vae.encode((images * 2 - 1).to(self.device, self.vae.dtype))
        latents = encoded.latents if "latents" in encoded else encoded.latent_dist.mean
        if posterior is not None and "latents" not in encoded:
            drawn = torch.randn(latents.shape, generator=posterior).to(latents)
            latents = latents + encoded.latent_dist.std * drawn
        return (latents.to(images) - self.shift_factor) * self.scaling_factor

    def decode(self, latents: Float[Tensor, "B 4 h w"]) -> Float[Tensor, "B 3 H W"]:
        """sRGB pictures 0..1 of scaled latents, differentiable where they are not cut off."""
        given = latents / self.scaling_factor + self.shift_factor
        return (self.vae.decode(given.to(self.device, self.vae.dtype)).sample.to(latents) / 2 + 0.5).clamp(0, 1)

    def alpha(self, timestep: Int[Tensor, " B"]) -> Float[Tensor, "B 1 1 1"]:
        """ᾱ of each picture's timestep."""
        return self.alphas_cumprod[timestep.to(self.device)].to(timestep.device).view(-1, 1, 1, 1)

    def add_noise(
        self, latents: Float[Tensor, "B 4 h w"], noise: Float[Tensor, "B 4 h w"], timestep: Int[Tensor, " B"]
    ) -> Float[Tensor, "B 4 h w"]:
        alpha = self.alpha(timestep)
        return alpha.sqrt() * latents + (1 - alpha).sqrt() * noise

    @torch.no_grad()
    def predict_noise(
        self,
        noisy: Float[Tensor, "B 4 h w"],
        timestep: Int[Tensor, " B"],
        text: Float[Tensor, "B L D"],
        original: Float[Tensor, "B 4 h w"] | None = None,
        depth: Float[Tensor, "B 3 H W"] | None = None,
        depth_strength: float = 1.0,
    ) -> Float[Tensor, "B 4 h w"]:
        """ε̂, also where the network predicts v = √ᾱ ε − √(1−ᾱ) x.

        Args:
            original: scaled latents of the picture to edit, all 0 for none; for networks of eight channels.
            depth: what the ControlNet is to follow, 0..1, at the pictures' size; near is bright.
            depth_strength: diffusers' `controlnet_conditioning_scale`.
        """
        place = {"device": self.device, "dtype": self.unet.dtype}
        given, text, level = noisy.to(**place), text.to(**place), timestep.to(self.device)
        followed: dict[str, Any] = {}
        if depth is not None:
            down, middle = self.controlnet(
                given,
                level,
                encoder_hidden_states=text,
                controlnet_cond=depth.to(**place),
                conditioning_scale=depth_strength,
                return_dict=False,
            )
            followed = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        if original is not None:
            given = torch.cat([given, self._as_trained(original).to(**place)], dim=1)
        out = self.unet(given, level, encoder_hidden_states=text, **followed).sample.to(noisy)
        if self.prediction_type == "epsilon":
            return out
        alpha = self.alpha(timestep)
        return alpha.sqrt() * out + (1 - alpha).sqrt() * noisy

    def predict_each(
        self,
        noisy: Float[Tensor, "K B 4 h w"],
        timestep: Int[Tensor, " B"],
        text: Float[Tensor, "K *B L D"],
        original: Float[Tensor, "K B 4 h w"] | None = None,
        depth: Float[Tensor, "B 3 H W"] | None = None,
        depth_strength: float = 1.0,
    ) -> Float[Tensor, "K B 4 h w"]:
        """`predict_noise` under K conditions in one call of the networks.

        Args:
            text: one a condition, or one a condition and picture.
        """
        count, batch = noisy.shape[:2]
        texts = text if text.ndim == 4 else text[:, None].expand(-1, batch, -1, -1)
        return self.predict_noise(
            noisy.flatten(0, 1),
            timestep.repeat(count),
            texts.flatten(0, 1),
            None if original is None else original.flatten(0, 1),
            None if depth is None else depth.repeat(count, 1, 1, 1),
            depth_strength,
        ).unflatten(0, (count, batch))

    def _as_trained(self, original: Float[Tensor, "B 4 h w"]) -> Float[Tensor, "B 4 h w"]:
        """As InstructPix2Pix saw them: unscaled, but for networks whose config says `original_scaled`, as ours does."""
        return original if self.unet.config.get("original_scaled") else original / self.scaling_factor
