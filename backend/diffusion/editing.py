"""Distillation that starts from a picture: by instruction (InstructPix2Pix), or from one text to another (DDS, PDS)."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .guidance import Condition, Distillation, noised
from .model import Diffusion


@dataclass(frozen=True)
class EditDistillation(Distillation):
    """SDS under an InstructPix2Pix network with its two scales (Brooks et al. 2023, eq. 3).

    With an anchor the residual is what the network, shown the original and told nothing, says of the latents less what
    it says of the anchor; the image scale then weighs nothing.

    Attributes:
        residual: as in `ScoreDistillation`.
    """

    guidance_scale: float
    image_guidance_scale: float
    residual: float = 1.0

    def direction(
        self,
        latents: Float[Tensor, "B 4 h w"],
        timestep: Int[Tensor, " B"],
        generator: torch.Generator,
        condition: Condition,
    ) -> Float[Tensor, "B 4 h w"]:
        """Raises ValueError where the condition has no original."""
        original = original_of(condition)
        noisy, noise = noised(self.model, latents, timestep, generator)
        last, shown = noisy, torch.zeros_like(original)
        if condition.anchor is not None:
            last, shown = self.model.add_noise(condition.anchor, noise, timestep), original
        full, image, third = self.model.predict_each(
            torch.stack([noisy, noisy, last]),
            timestep,
            condition.text[[0, 1, 1]],
            torch.stack([original, original, shown]),
            condition.depth,
            condition.depth_strength,
        )
        residual = image - third
        if condition.anchor is None:
            residual = third + self.image_guidance_scale * residual - noise
        return self.residual * residual + self.guidance_scale * (full - image)


@dataclass(frozen=True)
class DeltaDistillation(Distillation):
    """DDS (Hertz et al. 2023): what the text asks of the latents, less what the source's asks of the original.

    Both are noised alike, so what the network finds wrong with any picture cancels.
    """

    guidance_scale: float = 7.5
    weighting: str = field(default="one", kw_only=True)

    def direction(
        self,
        latents: Float[Tensor, "B 4 h w"],
        timestep: Int[Tensor, " B"],
        generator: torch.Generator,
        condition: Condition,
    ) -> Float[Tensor, "B 4 h w"]:
        """Raises ValueError where the condition has no original or no source."""
        return _delta(self.model, latents, timestep, generator, condition, self.guidance_scale)


@dataclass(frozen=True)
class PosteriorDistillation(Distillation):
    """PDS (Koo et al. 2024): the difference of the stochastic latents that DDPM would need for either picture.

    It is χ·(the difference of DDS) + ψ·(latents - original), for the noise they share cancels. With the level below
    one timestep away ψ is exactly 0 and nothing pulls back; the pull of their code comes from going two timesteps down
    with the β of one.

    Attributes:
        stride: timesteps to the level below; 2 are their 500 levels.
    """

    guidance_scale: float = 7.5
    stride: int = 2
    weighting: str = field(default="one", kw_only=True)

    def direction(
        self,
        latents: Float[Tensor, "B 4 h w"],
        timestep: Int[Tensor, " B"],
        generator: torch.Generator,
        condition: Condition,
    ) -> Float[Tensor, "B 4 h w"]:
        """Raises ValueError where the condition has no original or no source."""
        difference = _delta(self.model, latents, timestep, generator, condition, self.guidance_scale)
        pull, push = self.coefficients(timestep)
        return pull * (latents - original_of(condition)) + push * difference

    def coefficients(self, timestep: Int[Tensor, " B"]) -> tuple[Float[Tensor, "B 1 1 1"], Float[Tensor, "B 1 1 1"]]:
        """ψ and χ. Timesteps nearer to 0 than the stride count as the stride."""
        timestep = timestep.clamp(min=self.stride)
        alpha, below = self.model.alpha(timestep), self.model.alpha(timestep - self.stride)
        single = alpha / self.model.alpha(timestep - 1)
        of_clean = below.sqrt() * (1 - single) / (1 - alpha)
        of_noisy = single.sqrt() * (1 - below) / (1 - alpha)
        sigma = ((1 - below) / (1 - alpha) * (1 - single)).sqrt()
        pull = (below.sqrt() - of_clean - of_noisy * alpha.sqrt()) / sigma
        return pull, of_clean * ((1 - alpha) / alpha).sqrt() / sigma


def original_of(condition: Condition) -> Float[Tensor, "B 4 h w"]:
    """Raises ValueError where there is none."""
    if condition.original is None:
        raise ValueError("an edit needs the latents of the original pictures")
    return condition.original


def _delta(
    model: Diffusion,
    latents: Float[Tensor, "B 4 h w"],
    timestep: Int[Tensor, " B"],
    generator: torch.Generator,
    condition: Condition,
    guidance_scale: float,
) -> Float[Tensor, "B 4 h w"]:
    """ε̂ of the latents under the text less ε̂ of the original under the source, under one noise, in one call."""
    if condition.source is None:
        raise ValueError("an edit between two texts needs the one of the original pictures")
    noisy, noise = noised(model, latents, timestep, generator)
    before = model.add_noise(original_of(condition), noise, timestep)
    wanted, other, source, before_other = model.predict_each(
        torch.stack([noisy, noisy, before, before]),
        timestep,
        torch.stack([*condition.text, condition.source, condition.text[1]]),
        depth=condition.depth,
        depth_strength=condition.depth_strength,
    )
    return other + guidance_scale * (wanted - other) - before_other - guidance_scale * (source - before_other)
