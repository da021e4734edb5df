"""Distillation: losses whose gradient says what latents should become.

Every guidance is called as `loss(latents, timestep, generator, condition)`; losses are means over latent elements.
`guidance_scale` is diffusers': 1 is no guidance (FaceG2E's code counts 100 where this is 101).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .model import Diffusion


@dataclass(frozen=True)
class Condition:
    """What is asked for: embeddings of (text, negative text), and for edits the latents of the original pictures."""

    text: Float[Tensor, "2 L D"]
    original: Float[Tensor, "B 4 h w"] | None = None


@runtime_checkable
class Guidance(Protocol):
    """Distance of latents from what a network wants to see, as a scalar with that gradient."""

    @property
    def model(self) -> Diffusion: ...

    def loss(
        self,
        latents: Float[Tensor, "B 4 h w"],
        timestep: Int[Tensor, " B"],
        generator: torch.Generator,
        condition: Condition,
    ) -> Float[Tensor, ""]: ...


@dataclass(frozen=True)
class ScoreDistillation:
    """SDS (DreamFusion, eq. 3) under a text-to-image network.

    Attributes:
        residual: share kept of the unconditional residual ε̂ - ε; 1 is SDS, 0 the classifier score alone
            (CSD, Yu et al. 2023).
    """

    model: Diffusion
    guidance_scale: float
    residual: float = 1.0

    def loss(
        self,
        latents: Float[Tensor, "B 4 h w"],
        timestep: Int[Tensor, " B"],
        generator: torch.Generator,
        condition: Condition,
    ) -> Float[Tensor, ""]:
        noise = torch.randn(latents.shape, generator=generator).to(latents)
        noisy = self.model.add_noise(latents.detach(), noise, timestep)
        text = condition.text.repeat_interleave(len(latents), dim=0)
        wanted, other = self.model.predict_noise(noisy.repeat(2, 1, 1, 1), timestep.repeat(2), text).chunk(2)
        gradient = self.residual * (other - noise) + self.guidance_scale * (wanted - other)
        return towards(latents, gradient, self._weight(timestep))

    def _weight(self, timestep: Int[Tensor, " B"]) -> Float[Tensor, "B 1 1 1"]:
        return (1 - self.model.alphas_cumprod[timestep]).view(-1, 1, 1, 1)


@dataclass(frozen=True)
class EditDistillation:
    """SDS under an InstructPix2Pix network with its two scales (Brooks et al. 2023, eq. 3); `residual` as above."""

    model: Diffusion
    guidance_scale: float
    image_guidance_scale: float
    residual: float = 1.0

    def loss(
        self,
        latents: Float[Tensor, "B 4 h w"],
        timestep: Int[Tensor, " B"],
        generator: torch.Generator,
        condition: Condition,
    ) -> Float[Tensor, ""]:
        if condition.original is None:
            raise ValueError("an edit needs the latents of the original pictures")
        noise = torch.randn(latents.shape, generator=generator).to(latents)
        noisy = self.model.add_noise(latents.detach(), noise, timestep)
        original, nothing = condition.original, torch.zeros_like(condition.original)
        given = torch.cat([noisy.repeat(3, 1, 1, 1), torch.cat([original, original, nothing])], dim=1)
        text = condition.text[[0, 1, 1]].repeat_interleave(len(latents), dim=0)
        full, image, bare = self.model.predict_noise(given, timestep.repeat(3), text).chunk(3)
        silent = bare + self.image_guidance_scale * (image - bare)
        gradient = self.residual * (silent - noise) + self.guidance_scale * (full - image)
        weight = (1 - self.model.alphas_cumprod[timestep]).view(-1, 1, 1, 1)
        return towards(latents, gradient, weight)


def towards(
    latents: Float[Tensor, "B 4 h w"], gradient: Float[Tensor, "B 4 h w"], weight: Float[Tensor, "B 1 1 1"]
) -> Float[Tensor, ""]:
    """A loss of value ½·mean((w·g)²) whose gradient in `latents` is w·g per element of the mean."""
    target = (latents - weight * gradient).detach()
    return 0.5 * torch.nn.functional.mse_loss(latents, target)
