"""Parts of the jobs that need everything: what a request starts from, new faces, the layers of an edit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from . import checkpoints
from .diffusion.model import Diffusion
from .errors import UnknownWords
from .face import saved
from .face.layers import Face, albedo, compose, vertices
from .pictures import preview, to_bytes, to_tensor
from .settings import Preset
from .stages import edit, guiding
from .stages.optimise import Watch
from .stages.texture import TEXTURE
from .workshop import FAMILY, Workshop


def listen(networks: Diffusion, *texts: str) -> list[str]:
    """Words of the texts that the family never learnt.

    Raises:
        UnknownWords: a text of which not one word is known.
    """
    unknown: list[str] = []
    for text in texts:
        missing, said = networks.unknown_words(text)
        if len(missing) == len(said):
            raise UnknownWords(
                f"the starter family knows none of these words: {', '.join(missing) or text}",
                advice="README.md lists the words it knows",
            )
        unknown += missing
    return list(dict.fromkeys(unknown))


def start(shop: Workshop, old: Face | None) -> tuple[Float[Tensor, "1 I"], Float[Tensor, "1 V 3"]]:
    """Identity and vertices to start from: those of a face, or the mean head's."""
    if old is None:
        return torch.zeros(1, shop.model.identity_size), shop.model.vertices()
    return torch.from_numpy(old.identity)[None], torch.from_numpy(vertices(old))[None]


def worn(shop: Workshop, old: Face | None) -> Float[Tensor, "1 3 S S"]:
    """The albedo of a face, or what a new head wears."""
    return to_tensor(shop.albedo if old is None else albedo(old))


def hashes(shop: Workshop, role: str) -> dict[str, str]:
    """sha256 by role and component of the family's weights."""
    folders = checkpoints.components(FAMILY, role, shop.base)
    return {f"{role}/{name}": digest for name, digest in checkpoints.hashes(folders).items()}


def new_face(
    shop: Workshop,
    preset: Preset,
    role: str,
    prompt: str,
    seed: int,
    identity: Float[Tensor, "1 I"],
    head: Float[Tensor, "1 V 3"],
    texture: Float[Tensor, "1 3 S S"],
    metrics: dict[str, Any],
    parent: Path | None,
) -> Face:
    """A face without layers, of what the stages found."""
    topology = shop.model.topology
    return saved.Face(
        prompt=prompt,
        instruction=None,
        kind="generate",
        head=topology.head,
        topology_id=topology.topology_id,
        preset=preset.name,
        family=FAMILY,
        seed=seed,
        parent=saved.read_document(parent)["id"] if parent else None,
        identity=identity[0].numpy(),
        sliders=shop.model.slider_defaults.numpy(),
        expression=np.zeros(shop.model.expression_size, np.float32),
        offsets=np.zeros_like(topology.rest),
        base_vertices=head[0].numpy(),
        base_albedo=to_bytes(texture),
        expressions=shop.model.expression_basis.view(shop.model.expression_size, -1, 3).numpy(),
        checkpoints=hashes(shop, role),
        licences={FAMILY: checkpoints.registry()["families"][FAMILY]["licence"], topology.head: topology.licence},
        metrics=metrics,
        settings=preset.document(),
    )


def with_preview(shop: Workshop, face: Face) -> Face:
    """The face with its picture from the front."""
    return replace(face, preview=preview(shop, face))


def shape_layer(
    shop: Workshop,
    old: Face,
    preset: Preset,
    instruction: str,
    region: tuple[str, ...],
    seed: int,
    watch: Watch,
) -> dict[str, np.ndarray]:
    """weights and offsets of a shape edit."""
    settings = preset.edit_geometry
    guidance, text = guiding.editing(shop.edit, settings, instruction)
    weights = edit.shape_weights(shop.model.topology, region)
    offsets = edit.edit_geometry(
        shop.model,
        shop.surface,
        start(shop, old)[1],
        torch.from_numpy(weights),
        guidance,
        text,
        settings,
        seed,
        watch,
    )
    return {"weights": weights, "offsets": offsets.numpy()}


def texture_layer(
    shop: Workshop,
    old: Face,
    preset: Preset,
    instruction: str,
    region: tuple[str, ...],
    seed: int,
    watch: Watch,
) -> dict[str, np.ndarray]:
    """mask and texels of a texture edit."""
    settings = preset.edit_texture
    guidance, text = guiding.editing(shop.edit, settings, instruction)
    topology = shop.model.topology
    before = albedo(old)
    mask = edit.texture_mask(topology, shop.surface, region, before.shape[0])
    after = edit.edit_texture(
        shop.surface,
        start(shop, old)[1],
        worn(shop, old),
        edit.fixed_texels(topology, shop.surface, TEXTURE),
        guidance,
        text,
        settings,
        seed,
        watch,
    )
    return {"mask": mask, "texels": compose(before, to_bytes(after), mask)}
