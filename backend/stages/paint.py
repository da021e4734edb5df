"""What a texture is optimised as: a pyramid of changes, the latents of a texture, or its texels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..diffusion.guidance import Guidance
from ..diffusion.model import Diffusion
from ..settings.stages import PaintSettings

COARSEST = 8  # texels a side of a pyramid's first level; each next has twice as many
BROAD = 2  # levels; those beyond are kept grey by the colour weight
FINE = 3  # levels; those beyond are kept small by the smoothness weight
DARKEST = 0.02  # the albedo is optimised as a logit, which ends short of black and white
UNPAINTED = 0.5  # what FaceG2E's texels start from


@runtime_checkable
class Paint(Protocol):
    """A texture as numbers to optimise."""

    @property
    def parameters(self) -> list[Tensor]: ...

    def albedo(self) -> Float[Tensor, "1 3 S S"]: ...

    def held(self, settings: PaintSettings) -> Float[Tensor, ""]:
        """What keeps it near where it started."""
        ...


@dataclass(frozen=True)
class Pyramid:
    """A change of albedo as logits at several sizes: coarse levels carry colour into what few pixels see."""

    base: Float[Tensor, "1 3 S S"]
    levels: list[Float[Tensor, "1 3 _ _"]]
    fixed: Bool[Tensor, "S S"]

    @classmethod
    def over(cls, albedo: Float[Tensor, "1 3 S S"], fixed: Bool[Tensor, "S S"]) -> Pyramid:
        """No change yet; texels of `fixed` (eyes, mouth) never change."""
        logit = torch.logit(albedo.clamp(DARKEST, 1 - DARKEST))
        sizes = [COARSEST << level for level in range((len(fixed) // COARSEST).bit_length())]
        return cls(logit, [torch.zeros(1, 3, size, size, requires_grad=True) for size in sizes], fixed)

    @property
    def parameters(self) -> list[Tensor]:
        return self.levels

    def albedo(self) -> Float[Tensor, "1 3 S S"]:
        size = self.base.shape[-1]
        change = torch.zeros_like(self.base)
        for level in self.levels:
            change = change + torch.nn.functional.interpolate(level, (size, size), mode="bilinear", align_corners=False)
        return torch.sigmoid(self.base + change.masked_fill(self.fixed, 0))

    def held(self, settings: PaintSettings) -> Float[Tensor, ""]:
        kept = settings.prior_weight * self.change() + settings.smoothness_weight * self.roughness()
        return kept + settings.colour_weight * self.colour() if settings.colour_weight else kept

    def change(self) -> Float[Tensor, ""]:
        """Mean square of the coarser levels, in logits."""
        return torch.stack([level.square().mean() for level in self.levels[:FINE]]).sum()

    def roughness(self) -> Float[Tensor, ""]:
        return torch.stack([level.square().mean() for level in self.levels[FINE:]]).sum()

    def colour(self) -> Float[Tensor, ""]:
        """Mean square of what the finer levels change in colour, and not in brightness."""
        spread = [level - level.mean(1, keepdim=True) for level in self.levels[BROAD:]]
        return torch.stack([each.square().mean() for each in spread]).sum()


@dataclass(frozen=True)
class LatentTexture:
    """The latents of a texture, which the autoencoder decodes (FaceG2E, sec. 3.2); `fixed` texels are the base's."""

    networks: Diffusion
    base: Float[Tensor, "1 3 S S"]
    latents: Float[Tensor, "1 4 h w"]
    fixed: Bool[Tensor, "S S"]

    @property
    def parameters(self) -> list[Tensor]:
        return [self.latents]

    def albedo(self) -> Float[Tensor, "1 3 S S"]:
        decoded = self.networks.decode(self.latents)
        side = self.base.shape[2:]
        if decoded.shape[2:] != side:
            decoded = torch.nn.functional.interpolate(decoded, side, mode="bilinear", align_corners=False)
        return torch.where(self.fixed, self.base, decoded)

    def held(self, settings: PaintSettings) -> Float[Tensor, ""]:
        return self.latents.new_zeros(())


@dataclass(frozen=True)
class Texels:
    """The texture itself; `fixed` texels are the base's."""

    base: Float[Tensor, "1 3 S S"]
    texels: Float[Tensor, "1 3 S S"]
    fixed: Bool[Tensor, "S S"]

    @property
    def parameters(self) -> list[Tensor]:
        return [self.texels]

    def albedo(self) -> Float[Tensor, "1 3 S S"]:
        return torch.where(self.fixed, self.base, self.texels.clamp(0, 1))

    def held(self, settings: PaintSettings) -> Float[Tensor, ""]:
        return self.texels.new_zeros(())


def paint_of(
    settings: PaintSettings,
    base: Float[Tensor, "1 3 S S"],
    fixed: Bool[Tensor, "S S"],
    guidance: Guidance,
    generator: torch.Generator,
) -> Paint:
    """The texture that a stage starts from, as its settings want it optimised.

    A latent texture is as large as the latents of a picture of the networks' own size.
    """
    if settings.paint == "pyramid":
        return Pyramid.over(base, fixed)
    if settings.paint == "texels":
        start = base if settings.start == "albedo" else torch.full_like(base, UNPAINTED)
        return Texels(base, start.clone().requires_grad_(), fixed)
    native = guidance.model.picture_size
    with torch.no_grad():
        small = torch.nn.functional.interpolate(base, (native, native), mode="area")
        encoded = guidance.model.encode(small)
    start = STARTS[settings.start](encoded, generator)
    return LatentTexture(guidance.model, base, start.clone().requires_grad_(), fixed)


STARTS: Mapping[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "zeros": lambda latents, generator: torch.zeros_like(latents),
    "ones": lambda latents, generator: torch.ones_like(latents),
    "randn": lambda latents, generator: torch.randn(latents.shape, generator=generator).to(latents),
    "albedo": lambda latents, generator: latents,
}
