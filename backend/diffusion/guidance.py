"""Distillation: losses whose gradient says what latents should become.

Every guidance is called as `loss(latents, timestep, generator, condition)`, so two can be compared on one draw; losses
are means over latent elements. `guidance_scale` is diffusers': 1 is no guidance (FaceG2E's code counts 100 where this
is 101). Here are those that draw; `editing` has those that start from a picture.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .model import Diffusion

WEIGHTS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "noise": lambda alpha: 1 - alpha,  # DreamFusion's σ²
    "picture": lambda alpha: ((1 - alpha) / alpha).sqrt(),  # a difference of noises becomes one of clean pictures
    "one": torch.ones_like,
}


@dataclass(frozen=True)
class Condition:
    """What is asked for.

    Attributes:
        text: embeddings of (text, negative text), one for all pictures or one a picture.
        depth: what a ControlNet is to follow, 0..1, near is bright.
        depth_strength: diffusers' `controlnet_conditioning_scale`.
        original: for edits, scaled latents of the pictures before.
        anchor: scaled latents of the same view before anything was changed; see `ScoreDistillation`.
        source: for edits between two texts, that of the original.
        flaws: of words for bad pictures, to be kept away from.
    """

    text: Float[Tensor, "2 *B L D"]
    depth: Float[Tensor, "B 3 H W"] | None = None
    depth_strength: float = 1.0
    original: Float[Tensor, "B 4 h w"] | None = None
    anchor: Float[Tensor, "B 4 h w"] | None = None
    source: Float[Tensor, "*B L D"] | None = None
    flaws: Float[Tensor, "*B L D"] | None = None


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
class Distillation(ABC):
    """A guidance that is a direction in noise, weighted by noise level.

    Attributes:
        weighting: one of WEIGHTS.
        summed: the gradient is a sum over latent elements, as FaceG2E's, in place of a mean.
    """

    model: Diffusion
    weighting: str = field(default="noise", kw_only=True)
    summed: bool = field(default=False, kw_only=True)

    @abstractmethod
    def direction(
        self,
        latents: Float[Tensor, "B 4 h w"],
        timestep: Int[Tensor, " B"],
        generator: torch.Generator,
        condition: Condition,
    ) -> Float[Tensor, "B 4 h w"]:
        """Where latents must not go, unweighted; without gradient."""

    def loss(
        self,
        latents: Float[Tensor, "B 4 h w"],
        timestep: Int[Tensor, " B"],
        generator: torch.Generator,
        condition: Condition,
    ) -> Float[Tensor, ""]:
        """A scalar whose gradient, per element of the mean, is the weighted direction."""
        direction = self.direction(latents.detach(), timestep, generator, condition)
        found = towards(latents, direction, WEIGHTS[self.weighting](self.model.alpha(timestep)))
        return found * latents.numel() if self.summed else found


@dataclass(frozen=True)
class ScoreDistillation(Distillation):
    """SDS (DreamFusion, eq. 3) under a text-to-image network, and CSD.

    With an anchor the residual is what the network says of the latents less what it says of the anchor under the same
    noise (as DDS does with a source picture): the bias both have cancels, so that a prompt that names nothing changes
    nothing, while what the network never saw is still pulled back.

    Attributes:
        residual: share kept of the unconditional residual ε̂ - ε; 1 is SDS, 0 the classifier score alone
            (CSD, Yu et al. 2023).
        flaws_scale: how strongly to keep away from the condition's flaws (CSD's ω₂); 0 does not ask about them.
    """

    guidance_scale: float
    residual: float = 1.0
    flaws_scale: float = 0.0

    def direction(
        self,
        latents: Float[Tensor, "B 4 h w"],
        timestep: Int[Tensor, " B"],
        generator: torch.Generator,
        condition: Condition,
    ) -> Float[Tensor, "B 4 h w"]:
        noisy, noise = noised(self.model, latents, timestep, generator)
        text = with_flaws(condition) if self.flaws_scale else condition.text
        given = noisy.expand(len(text), *noisy.shape)
        anchor = condition.anchor if self.residual else None
        if anchor is not None:
            before = self.model.add_noise(anchor, noise, timestep)
            given, text = torch.cat([given, before[None]]), torch.cat([text, condition.text[1:2]])
        wanted, other, *others = predict(self.model, given, timestep, text, condition)
        start = noise if anchor is None else others.pop()
        found = self.residual * (other - start) + self.guidance_scale * (wanted - other)
        return found + self.flaws_scale * (other - others[0]) if others else found


@dataclass(frozen=True)
class NoiseFreeDistillation(Distillation):
    """NFSD (Katzir et al. 2023): the residual's noise is never in it, so plain scales do.

    Attributes:
        low: below this timestep the unconditional prediction is taken for noise-free; above, what it has over flaws.
    """

    guidance_scale: float = 7.5
    low: int = 200

    def direction(
        self,
        latents: Float[Tensor, "B 4 h w"],
        timestep: Int[Tensor, " B"],
        generator: torch.Generator,
        condition: Condition,
    ) -> Float[Tensor, "B 4 h w"]:
        noisy, _ = noised(self.model, latents, timestep, generator)
        text = with_flaws(condition)
        wanted, other, flaws = predict(self.model, noisy.expand(3, *noisy.shape), timestep, text, condition)
        near = (timestep < self.low).to(latents.device).view(-1, 1, 1, 1)
        return torch.where(near, other, other - flaws) + self.guidance_scale * (wanted - other)


@dataclass(frozen=True)
class InversionDistillation(Distillation):
    """SDI (Lukoianov et al. 2024): the noise is not drawn but found by DDIM inversion of the latents under the text.

    Costs 2 + 2·steps latents through the network where SDS costs 2.

    Attributes:
        inversion_scale: guidance scale of the inversion, negative as in the paper; their code, which counts scales as
            FaceG2E's does, has the same two numbers for what is 1 more here.
        steps: levels from clean latents to the timestep.
        eta: share of DDIM's random noise at each of them, at an unchanged noise level.
    """

    guidance_scale: float = 7.5
    inversion_scale: float = -7.5
    steps: int = 10
    eta: float = 0.3
    weighting: str = field(default="picture", kw_only=True)

    def direction(
        self,
        latents: Float[Tensor, "B 4 h w"],
        timestep: Int[Tensor, " B"],
        generator: torch.Generator,
        condition: Condition,
    ) -> Float[Tensor, "B 4 h w"]:
        noisy = self.invert(latents, timestep, generator, condition)
        alpha = self.model.alpha(timestep)
        noise = (noisy - alpha.sqrt() * latents) / (1 - alpha).sqrt()
        return self._guided(noisy, timestep, condition, self.guidance_scale) - noise

    def invert(
        self,
        latents: Float[Tensor, "B 4 h w"],
        timestep: Int[Tensor, " B"],
        generator: torch.Generator,
        condition: Condition,
    ) -> Float[Tensor, "B 4 h w"]:
        """The latents at `timestep`, noised as the network itself would have them before it drew them."""
        levels = [(timestep * step / self.steps).round().long() for step in range(self.steps + 1)]
        alphas = [torch.ones_like(self.model.alpha(timestep)), *(self.model.alpha(level) for level in levels[1:])]
        noisy = latents
        for level, (alpha, higher) in zip(levels, pairwise(alphas), strict=False):
            noise = self._guided(noisy, level, condition, self.inversion_scale)
            clean = (noisy - (1 - alpha).sqrt() * noise) / alpha.sqrt()
            fresh = self.eta**2 * (1 - alpha) / (1 - higher) * (1 - higher / alpha)
            drawn = torch.randn(latents.shape, generator=generator).to(latents)
            noisy = higher.sqrt() * clean + (1 - higher - fresh).sqrt() * noise + fresh.sqrt() * drawn
        return noisy

    def _guided(
        self, noisy: Float[Tensor, "B 4 h w"], timestep: Int[Tensor, " B"], condition: Condition, scale: float
    ) -> Float[Tensor, "B 4 h w"]:
        wanted, other = predict(self.model, noisy.expand(2, *noisy.shape), timestep, condition.text, condition)
        return other + scale * (wanted - other)


def noised(
    model: Diffusion, latents: Float[Tensor, "B 4 h w"], timestep: Int[Tensor, " B"], generator: torch.Generator
) -> tuple[Float[Tensor, "B 4 h w"], Float[Tensor, "B 4 h w"]]:
    """Latents at their noise level, and the noise; drawn on the CPU, so that all devices draw the same."""
    noise = torch.randn(latents.shape, generator=generator).to(latents)
    return model.add_noise(latents, noise, timestep), noise


def predict(
    model: Diffusion,
    noisy: Float[Tensor, "K B 4 h w"],
    timestep: Int[Tensor, " B"],
    text: Float[Tensor, "K *B L D"],
    condition: Condition,
) -> Float[Tensor, "K B 4 h w"]:
    """ε̂ under each of K texts, in one call; the condition's depth picture goes with all."""
    return model.predict_each(noisy, timestep, text, depth=condition.depth, depth_strength=condition.depth_strength)


def with_flaws(condition: Condition) -> Float[Tensor, "3 *B L D"]:
    """The condition's texts, then its flaws.

    Raises:
        ValueError: it has none.
    """
    if condition.flaws is None:
        raise ValueError("keeping away from flaws needs their embedding")
    return torch.cat([condition.text, condition.flaws[None]])


def towards(
    latents: Float[Tensor, "B 4 h w"], gradient: Float[Tensor, "B 4 h w"], weight: Float[Tensor, "B 1 1 1"]
) -> Float[Tensor, ""]:
    """A loss of value ½·mean((w·g)²) whose gradient in `latents` is w·g per element of the mean."""
    target = (latents - weight * gradient).detach()
    return 0.5 * torch.nn.functional.mse_loss(latents, target)
