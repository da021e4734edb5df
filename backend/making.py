"""Parts of the jobs that need everything: what a request starts from, new faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .face import saved
from .face.layers import Face, albedo, vertices
from .language.heard import hear
from .pictures import preview, to_bytes, to_tensor
from .prompts import Prompt, fitted, negatives_of, phrased, understand
from .settings import Preset, TextureSettings
from .stages import geometry, guiding, masks, texture
from .stages.evenness import Evenness
from .stages.irises import irises
from .stages.optimise import Watch
from .stages.refining import refined
from .stages.texture import Leads
from .workshop import Workshop


@dataclass(frozen=True)
class Spoken:
    """What was asked for, as the networks are told it.

    Attributes:
        prompts: by stage.
        expression: the head's keys by name, 0..1.
        unknown: words the family does not know; `messages` are sentences for the user about these and others.
    """

    prompts: dict[str, Prompt]
    expression: dict[str, float]
    unknown: list[str]
    messages: list[str]

    def document(self) -> dict[str, Any]:
        """As `face.json` keeps it."""
        told = {stage: prompt.document() for stage, prompt in self.prompts.items()}
        return {**told, "expression": self.expression, "messages": self.messages}


def listen(shop: Workshop, preset: Preset, texts: dict[str, str], negative: tuple[str, ...]) -> Spoken:
    """Understands the text of each stage.

    Raises:
        EmptyPrompt, UnknownWords: of a text nothing can be made.
        UsageError: a negative text for a view that there is not.
    """
    heard = {text: understand(text, shop.family) for text in dict.fromkeys(texts.values())}
    negatives = negatives_of(negative, shop.family)
    messages = [note for one in heard.values() for note in one.notes]
    prompts: dict[str, Prompt] = {}
    for stage, text in texts.items():
        style = getattr(preset, stage).style
        whole = phrased(heard[text].text, shop.family, stage, style, negatives)
        prompts[stage], cut = fitted(whole, shop.draw.count_tokens, shop.draw.longest_text)
        if cut:
            messages.append(f"The text encoder reads {shop.draw.longest_text} tokens; this was cut off: “{cut}”.")
    expression = {key: value for one in heard.values() for key, value in one.expression.items()}
    if missing := sorted(expression.keys() - set(shop.model.topology.expression_names)):
        messages.append(f"This head has no expression keys {', '.join(missing)}.")
    unknown = dict.fromkeys(word for one in heard.values() for word in one.unknown)
    return Spoken(prompts, expression, list(unknown), list(dict.fromkeys(messages)))


def instructed(shop: Workshop, instruction: str) -> tuple[str, list[str], list[str]]:
    """An instruction as the networks are told it, its unknown words, and messages.

    Raises:
        EmptyPrompt, UnknownWords: nothing can be made of it.
    """
    heard = hear(instruction, shop.family.closed, keys=False)
    understand(heard.text, shop.family)
    prompt, cut = fitted(Prompt(heard.text), shop.edit.count_tokens, shop.edit.longest_text)
    told = [f"The text encoder reads {shop.edit.longest_text} tokens; this was cut off: “{cut}”."] if cut else []
    return prompt.said("")[0], list(heard.unknown), [*heard.notes, *told]


def start(shop: Workshop, old: Face | None) -> tuple[Float[Tensor, "1 I"], Float[Tensor, "1 V 3"]]:
    """Identity and vertices to start from: those of a face, or the mean head's."""
    if old is None:
        return torch.zeros(1, shop.model.identity_size), shop.model.vertices()
    return torch.from_numpy(old.identity)[None], torch.from_numpy(vertices(old))[None]


def worn(shop: Workshop, old: Face | None) -> Float[Tensor, "1 3 S S"]:
    """The albedo of a face, or what a new head wears."""
    return to_tensor(shop.albedo if old is None else albedo(old))


@dataclass(frozen=True)
class Drawn:
    """What the stages made of a prompt."""

    identity: Float[Tensor, "1 I"]
    vertices: Float[Tensor, "1 V 3"]
    albedo: Float[Tensor, "1 3 S S"]
    offsets: Float[Tensor, "1 V 3"] | None = None  # what the vertices are beyond the identity, if anything


def draw(
    shop: Workshop,
    preset: Preset,
    spoken: Spoken,
    stage: str,
    seed: int,
    old: Face | None,
    watch: Callable[[str], Watch],
) -> Drawn:
    """Shape, then texture, of `old` or the mean head; with `stage` only one of them.

    Args:
        watch: who looks on, by phase.
    """
    identity, vertices = start(shop, old)
    albedo, offsets = worn(shop, old), None if old is None else torch.from_numpy(old.offsets)[None]
    if stage in ("both", "geometry"):
        shape = shaped(shop, preset, spoken.prompts["geometry"], albedo, seed, watch("shape"))
        identity, vertices, offsets = shape.identity, shape.vertices, shape.offsets
    if stage in ("both", "texture"):
        words, settings = spoken.prompts["texture"], preset.texture
        albedo = painted(shop, preset, words, vertices, albedo, seed, watch("texture"))
        if settings.refine_steps and albedo.shape[-1] > shop.family.texture:
            albedo = detailed(shop, settings, words, albedo, seed, watch("detail"))
    return Drawn(identity, vertices, albedo, offsets)


def shaped(
    shop: Workshop, preset: Preset, words: Prompt, worn: Float[Tensor, "1 3 S S"], seed: int, watch: Watch
) -> geometry.Shape:
    """A head as the words describe it."""
    settings = preset.geometry
    guidance, wanted = guiding.drawing(shop.draw, settings, words)
    return geometry.generate(shop.model, shop.surface, guidance, wanted, settings, seed, watch, worn)


def painted(
    shop: Workshop,
    preset: Preset,
    words: Prompt,
    head: Float[Tensor, "1 V 3"],
    worn: Float[Tensor, "1 3 S S"],
    seed: int,
    watch: Watch,
) -> Float[Tensor, "1 3 T T"]:
    """The albedo of a head as the words describe it."""
    settings = preset.texture
    asked = shop.networks.known(guiding.extras(settings))
    guidance, wanted = guiding.drawing(asked.get(guiding.CONTROL, shop.draw), settings, words)
    if settings.size:
        worn = resized(worn, settings.size)
    priors = guiding.priors(asked, settings, words)
    return texture.distil(
        shop.surface,
        head,
        worn,
        fixed_texels(shop, settings),
        guidance,
        lambda seen, scene: wanted(scene.cameras),
        settings,
        seed,
        watch,
        Leads(priors, Evenness.of(shop.model.topology, shop.surface, shop.family.texture)),
    )


def detailed(
    shop: Workshop,
    settings: TextureSettings,
    words: Prompt,
    albedo: Float[Tensor, "1 3 S S"],
    seed: int,
    watch: Watch,
) -> Float[Tensor, "1 3 S S"]:
    """The albedo with detail that is finer than what was painted."""
    text = shop.draw.encode_text(list(replace(words, style=settings.refine_style).said("")))
    return refined(albedo, fixed_texels(shop, settings), shop.draw, text, settings, seed, watch)


def fixed_texels(shop: Workshop, settings: TextureSettings) -> Bool[Tensor, "T T"]:
    """Texels that no texture stage changes."""
    topology, surface, side = shop.model.topology, shop.surface, shop.family.texture
    fixed = masks.fixed_texels(topology, surface, side)
    return fixed & ~irises(topology, surface, side) if settings.irises else fixed


def roles(shop: Workshop, preset: Preset, stage: str) -> list[str]:
    """What makes a face of words, as far as the family has it."""
    return ["text-to-image", *shop.networks.offered(guiding.extras(preset.texture) if stage != "geometry" else ())]


def new_face(
    shop: Workshop,
    preset: Preset,
    roles: Sequence[str],
    prompt: str,
    seed: int,
    drawn: Drawn,
    metrics: dict[str, Any],
    parent: Path | None,
    spoken: Spoken,
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
        family=shop.family.name,
        seed=seed,
        parent=saved.read_document(parent)["id"] if parent else None,
        identity=drawn.identity[0].numpy(),
        sliders=shop.model.slider_defaults.numpy(),
        expression=np.array([spoken.expression.get(key, 0.0) for key in topology.expression_names], np.float32),
        offsets=np.zeros_like(topology.rest) if drawn.offsets is None else drawn.offsets[0].numpy(),
        base_vertices=drawn.vertices[0].numpy(),
        base_albedo=to_bytes(drawn.albedo),
        expressions=shop.model.expression_basis.view(shop.model.expression_size, -1, 3).numpy(),
        checkpoints=shop.networks.hashes(*roles),
        licences=(saved.read_document(parent)["licences"] if parent else {}) | shop.licences(*roles),
        metrics=metrics,
        settings=preset.document(),
        words=spoken.document(),
    )


def with_preview(shop: Workshop, face: Face) -> Face:
    """The face with its picture from the front."""
    return replace(face, preview=preview(shop, face))


def resized(albedo: Float[Tensor, "1 3 S S"], size: int) -> Float[Tensor, "1 3 T T"]:
    """The albedo with another number of texels."""
    side = (size, size)
    if size < albedo.shape[-1]:
        return torch.nn.functional.interpolate(albedo, side, mode="area")
    return torch.nn.functional.interpolate(albedo, side, mode="bicubic", align_corners=False).clamp(0, 1)
