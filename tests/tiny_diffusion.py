"""A tiny untrained Stable Diffusion of diffusers' and transformers' own classes: for plumbing, not for pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from backend.diffusion.model import Diffusion
from backend.training import networks

WIDTH, LENGTH = 8, 12
WORDS = ("red", "lips")


def tokenizer() -> CLIPTokenizer:
    """Letters, and two words that are one token each."""
    letters = [chr(code) for code in range(33, 127)]
    vocabulary = [*letters, *(letter + "</w>" for letter in letters)]
    merges = []
    for word in WORDS:
        symbols = [*word[:-1], word[-1] + "</w>"]
        while len(symbols) > 1:
            merges.append((symbols[-2], symbols[-1]))
            symbols[-2:] = ["".join(symbols[-2:])]
            vocabulary.append(symbols[-1])
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    numbers = {token: number for number, token in enumerate(dict.fromkeys(vocabulary))}
    return CLIPTokenizer(vocab=numbers, merges=merges, model_max_length=LENGTH)


def scheduler(prediction_type: str = "epsilon") -> DDIMScheduler:
    return DDIMScheduler.from_config(networks.scheduler().config, prediction_type=prediction_type)


def components(in_channels: int = 4, prediction_type: str = "epsilon", picture: int = 32) -> dict[str, object]:
    """The parts by the names of their folders, seeded: latents are 8 times smaller than pictures.

    Args:
        picture: pixels a side that the networks say they are for.
    """
    torch.manual_seed(0)
    words = tokenizer()
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(words),
            hidden_size=WIDTH,
            intermediate_size=WIDTH,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=LENGTH,
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
        )
    )
    vae = AutoencoderKL(
        block_out_channels=(4, 4, 4, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=2,
        sample_size=picture,
        scaling_factor=0.7,
    )
    unet = UNet2DConditionModel(
        sample_size=picture // 8,
        in_channels=in_channels,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D",),
        block_out_channels=(8,),
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=4,
    )
    parts = {"text_encoder": text_encoder, "vae": vae, "unet": unet}
    parts = {name: part.eval().requires_grad_(False) for name, part in parts.items()}
    return {"tokenizer": words, **parts, "scheduler": scheduler(prediction_type)}


def controlnet() -> ControlNetModel:
    """One that already says something: as diffusers makes it, its outputs are all 0."""
    torch.manual_seed(1)
    made = ControlNetModel(
        down_block_types=("CrossAttnDownBlock2D",),
        block_out_channels=(8,),
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=4,
        conditioning_embedding_out_channels=(4, 4, 4, 8),
    )
    return speaking(made)


def speaking(made: ControlNetModel) -> ControlNetModel:
    """With random weights where diffusers begins at 0."""
    for part in (made.controlnet_cond_embedding.conv_out, made.controlnet_down_blocks, made.controlnet_mid_block):
        for weights in part.parameters():
            torch.nn.init.normal_(weights, std=0.2)
    return made.eval().requires_grad_(False)


def tiny_diffusion(
    in_channels: int = 4, prediction_type: str = "epsilon", control: bool = False, picture: int = 32
) -> Diffusion:
    parts = components(in_channels, prediction_type, picture)
    return Diffusion(
        tokenizer=parts["tokenizer"],
        text_encoder=parts["text_encoder"],
        vae=parts["vae"],
        unet=parts["unet"],
        alphas_cumprod=parts["scheduler"].alphas_cumprod,
        prediction_type=prediction_type,
        controlnet=controlnet() if control else None,
    )


def saved(folder: Path, **kind: object) -> dict[str, Path]:
    """The components' folders, as `Diffusion.load` takes them."""
    for name, part in components(**kind).items():
        part.save_pretrained(str(folder / name))
    return {name: folder / name for name in ("tokenizer", "text_encoder", "vae", "unet", "scheduler")}


@dataclass(frozen=True)
class Knowing:
    """A perfect denoiser of normal distributions: one picture's latents and near ones under its text, else anything.

    Attributes:
        wanted: (L, D) the text that means the picture; without it every text does.
        width: standard deviation of what the text means; 0 is the picture alone.
        spread: of anything, around 0.
        prediction_type: what it answers, as the model that holds it says.
    """

    clean: Tensor
    alphas_cumprod: Tensor
    wanted: Tensor | None = None
    width: float = 0.0
    spread: float = 100.0
    prediction_type: str = "epsilon"
    dtype: torch.dtype = torch.float32
    config: dict[str, object] = field(default_factory=lambda: {"original_scaled": True, "sample_size": 16})

    def __call__(self, noisy: Tensor, timestep: Tensor, encoder_hidden_states: Tensor) -> SimpleNamespace:
        alpha = self.alphas_cumprod[timestep].view(-1, 1, 1, 1)
        noisy = noisy[:, :4]
        clean = self._expected(noisy, alpha, self.clean, self.width)
        if self.wanted is not None:
            asked = (encoder_hidden_states == self.wanted).all(2).all(1).view(-1, 1, 1, 1)
            clean = torch.where(asked, clean, self._expected(noisy, alpha, torch.zeros(()), self.spread))
        noise = (noisy - alpha.sqrt() * clean) / (1 - alpha).sqrt()
        velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean
        return SimpleNamespace(sample=noise if self.prediction_type == "epsilon" else velocity)

    @staticmethod
    def _expected(noisy: Tensor, alpha: Tensor, mean: Tensor, width: float) -> Tensor:
        """What lies under the noise, on average."""
        return mean + alpha.sqrt() * width**2 / (alpha * width**2 + 1 - alpha) * (noisy - alpha.sqrt() * mean)
