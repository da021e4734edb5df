"""What leads a stage: the guidance its settings ask for, and the words as the networks read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..diffusion.editing import DeltaDistillation, EditDistillation, PosteriorDistillation
from ..diffusion.guidance import (
    Condition,
    Distillation,
    InversionDistillation,
    NoiseFreeDistillation,
    ScoreDistillation,
)
from ..diffusion.model import Diffusion
from ..diffusion.schedules import SCHEDULES
from ..render.camera import Cameras
from ..render.colour import PRIOR_SPACES, for_prior
from ..render.views import released_view_words
from ..settings import EditGeometrySettings, EditTextureSettings, GeometrySettings, StageSettings, TextureSettings
from ..settings.stages import PaintSettings

CONTROL = "depth-control"  # the role of a family's ControlNet
PRIORS = ("texture-prior", "texture-prior-yuv")  # roles of a family, by PRIOR_SPACES
Wanted = Callable[[Cameras], Condition]  # what is asked of pictures from there
Drawn = GeometrySettings | TextureSettings
Edits = EditGeometrySettings | EditTextureSettings
GUIDANCES: Mapping[str, Callable[[Diffusion, Drawn], Distillation]] = {
    "sds": lambda networks, asked: ScoreDistillation(
        networks, asked.guidance_scale, asked.residual, summed=asked.summed
    ),
    "csd": lambda networks, asked: ScoreDistillation(
        networks, asked.guidance_scale, 0.0, asked.flaws_scale, summed=asked.summed
    ),
    "nfsd": lambda networks, asked: NoiseFreeDistillation(networks, asked.guidance_scale, summed=asked.summed),
    "sdi": lambda networks, asked: InversionDistillation(
        networks, asked.guidance_scale, asked.inversion_scale, asked.inversion_steps, summed=asked.summed
    ),
}


@runtime_checkable
class Wording(Protocol):
    """A prompt: its text and negative text for "front view", "side view" and "back view"."""

    def said(self, view: str) -> tuple[str, str]: ...


def drawing(networks: Diffusion, settings: Drawn, prompt: Wording) -> tuple[Distillation, Wanted]:
    """For a stage that makes a face of a prompt."""
    guidance = GUIDANCES[settings.guidance](networks, settings)
    views = [released_view_words(azimuth) for azimuth in (0.0, 90.0, 180.0)]
    texts = {view: (prompt.said(view if settings.view_words else "")[0], prompt.said(view)[1]) for view in views}
    read = {text: networks.encode_text(list(text)) for text in dict.fromkeys(texts.values())}
    flaws = networks.encode_text([settings.flaws])[0]

    def wanted(cameras: Cameras) -> Condition:
        each = [read[texts[released_view_words(float(azimuth))]] for azimuth in cameras.azimuth]
        text = each[0] if len(read) == 1 else torch.stack(each, dim=1)
        return Condition(text, flaws=flaws if text.ndim == 3 else flaws.expand(len(each), -1, -1))

    return guidance, wanted


def editing(networks: Diffusion, settings: Edits, instruction: str) -> tuple[EditDistillation, Condition]:
    """For a stage that changes a face as an instruction says."""
    guidance = EditDistillation(
        networks, settings.guidance_scale, settings.image_guidance_scale, settings.residual, summed=settings.summed
    )
    return guidance, Condition(networks.encode_text([instruction, ""]))


def between(
    networks: Diffusion, settings: Edits, before: str, after: str, negative: str
) -> tuple[DeltaDistillation | PosteriorDistillation, Condition]:
    """For a stage that changes a face from what one text says of it to what another does."""
    kind = {"dds": DeltaDistillation, "pds": PosteriorDistillation}[settings.guidance]
    text = networks.encode_text([after, negative, before])
    return kind(networks, settings.guidance_scale, summed=settings.summed), Condition(text[:2], source=text[2])


@dataclass(frozen=True)
class Prior:
    """A network that knows textures, asked about the one that is painted.

    Attributes:
        space: of `render.colour.PRIOR_SPACES`; one in YUV is not asked about latents that were never decoded.
    """

    guidance: ScoreDistillation
    condition: Condition
    settings: PaintSettings
    space: str

    def loss(
        self, shown: Float[Tensor, "1 C S S"], step: int, timestep: Int[Tensor, "1"], generator: torch.Generator
    ) -> Float[Tensor, ""]:
        """Weighted.

        Args:
            shown: the albedo, or a latent texture.
        """
        if shown.shape[1] == 3:
            side = self.guidance.model.picture_size
            pictures = torch.nn.functional.interpolate(shown, (side, side), mode="bilinear", antialias=True)
            seen = for_prior(pictures, self.space)
            shown = self.guidance.model.encode(seen, generator if self.settings.sampled else None)
        elif self.space == "yuv":
            return shown.new_zeros(())
        weight = self.settings.yuv_prior if self.space == "yuv" else prior_weight(self.settings, step)
        return weight * self.guidance.loss(shown, timestep, generator, self.condition)


def extras(settings: PaintSettings) -> list[str]:
    """Roles that the settings ask for beyond the networks that draw or edit; no ControlNet leads those that edit."""
    weights = {CONTROL: settings.depth_scale if isinstance(settings, TextureSettings) else 0.0}
    weights |= zip(PRIORS, (settings.texture_prior, settings.yuv_prior), strict=True)
    return [role for role, weight in weights.items() if weight]


def prior_weight(settings: PaintSettings, step: int) -> float:
    """Of the RGB prior: constant, or down from `prior_from` evenly or by equal factors (FaceG2E's main.py)."""
    low, high, share = settings.texture_prior, settings.prior_from, step / max(1, settings.steps - 1)
    match settings.prior_schedule:
        case "linear":
            return high + (low - high) * share
        case "log":
            return high * (low / high) ** share
        case _:
            return low


def priors(known: Mapping[str, Diffusion], settings: PaintSettings, prompt: Wording) -> list[Prior]:
    """Those that the settings weigh and the family has.

    Args:
        known: networks by role.
    """
    found = []
    weights = (settings.texture_prior, settings.yuv_prior)
    for role, space, weight in zip(PRIORS, PRIOR_SPACES, weights, strict=True):
        if weight and role in known:
            networks = known[role]
            guidance = ScoreDistillation(networks, settings.prior_guidance_scale, summed=settings.summed)
            text = networks.encode_text([settings.prior_text or prompt.said("")[0], ""])
            found.append(Prior(guidance, Condition(text), settings, space))
    return found


def compares(settings: StageSettings) -> bool:
    """Whether a step also looks at what was there before anything was changed."""
    return settings.anchored and settings.residual != 0 and getattr(settings, "guidance", "sds") == "sds"


def timestep_of(settings: StageSettings, step: int, generator: torch.Generator) -> Int[Tensor, " B"]:
    """One a view, as the settings' schedule has it."""
    return SCHEDULES[settings.schedule](
        step,
        settings.steps,
        settings.views,
        generator,
        settings.first_timestep,
        settings.last_timestep,
        settings.jitter,
    )
