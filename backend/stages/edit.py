"""Instruction and face to a layer: distillation that starts from the face, locked to a region (FaceG2E, sec. 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..diffusion.guidance import Condition, Guidance
from ..face.model import LinearFaceModel
from ..render.closeup import Closeup
from ..render.picture import Scene, Surface
from ..settings import EditGeometrySettings, EditTextureSettings
from .geometry import kind_of
from .guiding import Prior, compares, timestep_of
from .keeping import keeping
from .optimise import Watch, optimise
from .seeing import Look, looker
from .texture import Leads, distil, shrink


@dataclass(frozen=True)
class Edited:
    """What the networks make of an instruction, before any lock.

    Attributes:
        value: an albedo (1, 3, S, S), or offsets (V, 3) in head units, before the weights.
        noticed: 0..1 in the UV square, what the followed words looked at.
    """

    value: Tensor
    noticed: Float[Tensor, "1 1 Z Z"]


def edit_texture(
    surface: Surface,
    vertices: Float[Tensor, "1 V 3"],
    albedo: Float[Tensor, "1 3 S S"],
    fixed: Bool[Tensor, "T T"],
    guidance: Guidance,
    wanted: Condition,
    settings: EditTextureSettings,
    seed: int,
    watch: Watch,
    tokens: Sequence[int] = (),
    priors: Sequence[Prior] = (),
    inside: Float[Tensor, " V"] | None = None,
) -> Edited:
    """The albedo as an instruction wants it: each step shows old and new in one view and light.

    Args:
        wanted: the texts; what was there before is added to it in each view.
        tokens: positions in the text of the words to follow.
        inside: how far each vertex lies in the region that is named, for close-ups of it.
    """
    old = shrink(albedo, len(fixed))

    def condition_of(seen: Look, scene: Scene) -> Condition:
        with torch.no_grad():
            return replace(wanted, original=replace(seen, posterior=None).latents(scene, "textured", old))

    with keeping(settings, guidance.model, tokens, surface, vertices) as kept:
        leads = Leads(priors, keeping=kept, closeup=Closeup.of(vertices[0], inside) if settings.zoom else None)
        after = distil(surface, vertices, albedo, fixed, guidance, condition_of, settings, seed, watch, leads)
    return Edited(after, kept.noticed())


def edit_geometry(
    model: LinearFaceModel,
    surface: Surface,
    vertices: Float[Tensor, "1 V 3"],
    weights: Float[Tensor, " V"],
    guidance: Guidance,
    wanted: Condition,
    settings: EditGeometrySettings,
    seed: int,
    watch: Watch,
    albedo: Float[Tensor, "1 3 S S"] | None = None,
    tokens: Sequence[int] = (),
    inside: Float[Tensor, " V"] | None = None,
) -> Edited:
    """Offsets of a move along the identity basis, seen through the weights.

    Args:
        albedo: what textured pictures wear, where the settings ask for any.
        tokens, inside: as in `edit_texture`.
    """
    generator = torch.Generator().manual_seed(seed)
    move = torch.zeros(1, model.identity_size, requires_grad=True)
    closeup = Closeup.of(vertices[0], inside) if settings.zoom else None
    draw = looker(guidance, surface, settings, generator, closeup)

    with keeping(settings, guidance.model, tokens, surface, vertices) as kept:

        def loss(step: int) -> Tensor:
            seen = draw()
            offsets = (move @ model.identity_basis).view(1, -1, 3) * weights[:, None]
            kind = kind_of(settings.pictures, generator)
            latents = seen.latents(seen.at(vertices + offsets), kind, albedo)
            with torch.no_grad():
                before = replace(seen, posterior=None).latents(seen.at(vertices), kind, albedo)
            condition = replace(wanted, original=before, anchor=before if compares(settings) else None)
            distilled = guidance.loss(latents, timestep_of(settings, step, generator), generator, condition)
            kept.look(seen.setting[0], latents)
            found = settings.weight * distilled + settings.prior_weight * move.square().mean()
            return found + kept.shape_loss(vertices[0] + offsets[0], vertices[0])

        optimise([move], loss, settings, generator, watch, carried=kept)
    return Edited((move.detach() @ model.identity_basis).view(-1, 3), kept.noticed())
