"""An instruction becomes a layer: where it goes, what it is locked to, by which way it is made."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray

from . import making
from .diffusion.attention import tokens_of, words_at
from .errors import CheckpointsChanged, MaskInvalid, UnknownWords, UsageError
from .face.layers import Face, Layer, albedo, coefficients, compose
from .face.sliders import ranges
from .language import regions_on
from .language.heard import hear
from .leading import ROLES, Lead, lead
from .moves import Move, moves_of
from .pictures import to_bytes, to_tensor
from .prompts import Prompt
from .router import route
from .settings import EditGeometrySettings, EditTextureSettings, Preset
from .stages import edit, guiding, masks
from .stages.optimise import Watch
from .workshop import Workshop

Settings = TypeVar("Settings", EditGeometrySettings, EditTextureSettings)
SCOPES = {"both": ("geometry", "texture")}
AUTOMATIC = 0  # the token that leaves the choice of words to the instruction


@dataclass(frozen=True)
class Asked:
    """What a user wants changed.

    Attributes:
        scope: auto, geometry, texture or both.
        region, mask: named regions and a picture the size of the albedo; together they are where the edit may reach,
            in place of what the instruction names.
        words, tokens: phrases of the instruction, or positions in it (the first word's is 1), whose attention is
            followed; it then says where the edit may reach, unless a region or a mask does. AUTOMATIC among the
            tokens, or none of both, is the part that the instruction names.
    """

    instruction: str
    scope: str = "auto"
    region: tuple[str, ...] = ()
    mask: UInt8[ndarray, "S S"] | None = None
    strength: float = 1.0
    seed: int = 0
    words: tuple[str, ...] = ()
    tokens: tuple[int, ...] = ()

    @property
    def locked(self) -> bool:
        """Whether the user says where it may reach."""
        return bool(self.region) or self.mask is not None

    @property
    def choosing(self) -> bool:
        """Whether the user says which words to follow."""
        return bool(self.words or self.tokens) and AUTOMATIC not in self.tokens

    def document(self) -> dict[str, Any]:
        """For the journal of a run."""
        drawn = None if self.mask is None else hashlib.sha256(self.mask.tobytes()).hexdigest()
        return {**vars(self), "mask": drawn}


@dataclass(frozen=True)
class Way:
    """How an instruction is carried out.

    Attributes:
        told: the instruction in words of the family.
        moves: sliders to move; empty where the networks are asked.
        scopes: what changes, geometry and texture.
        region: names that the edit is locked to; empty where no region is meant.
        mask: what says where the edit may reach: one of `settings.stages.MASKS`, or "all" where nothing does.
        noun: the part of the instruction that names where; "" where nothing in particular is named.
    """

    told: str
    moves: tuple[Move, ...]
    scopes: tuple[str, ...]
    region: tuple[str, ...]
    mask: str = "all"
    noun: str = ""


@dataclass(frozen=True)
class Made:
    """A layer, the hashes of the networks that made it, words they do not know, sentences for the user, and the roles
    of those networks."""

    layer: Layer
    checkpoints: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    roles: tuple[str, ...] = ()


def way_of(asked: Asked, shop: Workshop, preset: Preset) -> Way:
    """By slider where the instruction names one that the head has and neither scope nor lock says otherwise.

    Raises:
        UsageError: a region the head does not have; or it has none of those that the instruction means.
    """
    names = shop.model.topology.region_names
    if wrong := [name for name in asked.region if name not in names]:
        raise UsageError(f"no region {', '.join(wrong)}", advice=f"there are {', '.join(names)}")
    heard = hear(asked.instruction, shop.family.closed, keys=False)
    found = route(heard.text)
    region = asked.region if asked.locked else regions_on(found.region, names)
    scope = found.scope if asked.scope == "auto" else asked.scope
    moves = moves_of(asked.instruction) or (() if heard.unknown else moves_of(heard.text))
    known = {name for move in moves for name, _, _ in move.axis.sliders} <= set(shop.model.slider_names)
    shown = tuple(sorted({name for move in moves for name in move.axis.regions if name in names}))
    if moves and known and not asked.locked and asked.scope in ("auto", "geometry") and preset.edit.route == "auto":
        return Way(heard.text, moves, ("geometry",), shown)
    if found.region and not region and not asked.locked:
        raise UsageError(f"no region {', '.join(found.region)}", advice=f"name one: {', '.join(names)}")
    if shown and region and scope == "geometry" and not asked.locked:
        region = shown  # a higher forehead shows on the scalp too
    mask = _mask_of(asked, preset, bool(region), found.noun)
    kept = region if mask in ("region", "both") else ()
    return Way(heard.text, (), SCOPES.get(scope, (scope,)), kept, mask, found.noun)


def _mask_of(asked: Asked, preset: Preset, region: bool, noun: str) -> str:
    """What an edit's mask is made of; see `Way`.

    Args:
        region: whether the instruction, or the user, names any.
    """
    wanted = preset.edit.mask
    if not preset.edit.lock:
        return "all"
    if asked.locked:
        return "both" if wanted == "both" else "region"
    if asked.choosing:
        return "both" if wanted == "both" and region else "attention"
    if region:
        return wanted
    return "attention" if noun else "all"


def made(
    shop: Workshop, old: Face, preset: Preset, asked: Asked, way: Way, watch: dict[str, Watch], *, force: bool = False
) -> Made:
    """The layer that the way makes on a face.

    Args:
        watch: by scope.
        force: also where the face was made by other networks than those here.

    Raises:
        UsageError: sliders that are at their ends.
        CheckpointsChanged: see `force`.
        EmptyPrompt, UnknownWords: the networks know no word of the instruction, or it lacks those to follow.
        MaskInvalid: the words to follow look nowhere.
    """
    layer = Layer(
        name=asked.instruction[:60],
        instruction=asked.instruction,
        kind="both" if len(way.scopes) == 2 else way.scopes[0],
        scope=asked.scope,
        region=way.region,
        strength=float(asked.strength),
        seed=asked.seed,
        details={"route": "slider" if way.moves else "optimise"},
    )
    if way.moves:
        return Made(_slid(shop, old, layer, way.moves))
    told, unknown, messages = making.instructed(shop, asked.instruction)
    leads = {scope: lead(shop, getattr(preset, f"edit_{scope}"), told) for scope in way.scopes}
    asking = [ROLES[getattr(preset, f"edit_{scope}").guidance] for scope in way.scopes]
    extras = guiding.extras(preset.edit_texture) if "texture" in way.scopes else ()
    roles = tuple(dict.fromkeys([*asking, *shop.networks.offered(extras)]))
    hashes = shop.networks.hashes(*roles)
    other = changed_checkpoints(old, {**shop.networks.hashes("text-to-image"), **hashes}, force)
    drawn = {} if asked.mask is None else {"brush": True}
    changed = {"other_networks": other} if other else {}
    followed = {scope: _followed(one, asked, way) for scope, one in leads.items()}
    words, tokens = followed[way.scopes[-1]]
    where = {"lock": way.mask != "all", "mask": way.mask, "words": list(words), "tokens": list(tokens)}
    layer = replace(layer, details={**layer.details, **drawn, **changed, **where})
    places = {scope: found for scope, (_, found) in followed.items()}
    work = Work(shop, old, preset, asked, replace(way, told=told), leads, places)
    if "geometry" in way.scopes:
        layer = replace(layer, **_shaped(work, watch["geometry"]))
    if "texture" in way.scopes:
        layer = replace(layer, **_textured(work, watch["texture"]))
    return Made(layer, hashes, unknown, messages, roles)


def _followed(leads: Lead, asked: Asked, way: Way) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Words of what the networks are told whose attention is followed, and their tokens; none in a global edit.

    Raises:
        UnknownWords: what is to be followed is not in it.
    """
    networks, told = leads.guidance.model, leads.text
    if asked.choosing:
        picked = words_at(networks, told, asked.tokens)
        return (*asked.words, *picked), tuple(sorted({*tokens_of(networks, told, *asked.words), *asked.tokens}))
    with contextlib.suppress(UnknownWords):
        if way.noun:
            return (way.noun,), tokens_of(networks, told, way.noun)
    if way.mask in ("attention", "both"):
        raise UnknownWords(f"no word of {told!r} says where", advice="choose words with --words, or name a --region")
    return (), ()


@dataclass(frozen=True)
class Work:
    """An edit that the networks are to make.

    Attributes:
        leads, tokens: who leads each scope, and places of the words to follow in what its networks are told.
    """

    shop: Workshop
    old: Face
    preset: Preset
    asked: Asked
    way: Way
    leads: dict[str, Lead]
    tokens: dict[str, tuple[int, ...]]

    def inside(self) -> Float[ndarray, " V"] | None:
        """(V,) how far each vertex lies in the regions or under the brush; None where neither is meant."""
        brush = self.asked.mask if self.way.mask != "all" else None
        return masks.vertex_weights(self.shop.model.topology, self.way.region, brush)

    def regularised(self, settings: Settings) -> Settings:
        """With the weight of an edit that names no place, where this is one."""
        everywhere = self.way.mask == "all" and not self.tokens[settings.stage.removeprefix("edit_")]
        return replace(settings, drift=settings.global_drift) if everywhere else settings

    def following(self, settings: Settings) -> tuple[int, ...]:
        """The tokens, where anything asks for their attention."""
        weighed = settings.consistency != "none" and settings.drift
        return (
            self.tokens[settings.stage.removeprefix("edit_")]
            if self.by_attention or settings.focused or weighed
            else ()
        )

    @property
    def by_attention(self) -> bool:
        return self.way.mask in ("attention", "both")

    def noticed(self, found: edit.Edited, size: int) -> UInt8[ndarray, "S S"]:
        """What the words looked at, as a mask.

        Raises:
            MaskInvalid: nothing.
        """
        topology, surface = self.shop.model.topology, self.shop.surface
        mask = masks.attention_mask(found.noticed, masks.skin_texels(topology, surface, size))
        if self.way.mask == "attention" and not mask.any():
            raise MaskInvalid(
                f"{self.way.told!r}: the networks find no place for its words",
                advice="name a --region, or paint a --mask",
            )
        return mask


def _slid(shop: Workshop, old: Face, layer: Layer, moves: tuple[Move, ...]) -> Layer:
    """The sliders at their new places, exactly: offsets are the head there less the head here.

    Raises:
        UsageError: they are all at their ends.
    """
    model = shop.model
    limits = dict(zip(model.slider_names, ranges(model).tolist(), strict=True))
    start = dict(zip(model.slider_names, coefficients(old)[1].tolist(), strict=True))
    end = dict(start)
    for move in moves:
        spans = {name: (low, high) for name, low, high in move.axis.sliders}
        now = np.mean([(end[name] - low) / (high - low) * 2 - 1 for name, (low, high) in spans.items()])
        for name, (low, high) in spans.items():
            wanted = end[name] + move.distance(float(now)) * (high - low) / 2
            least, most = limits[name]
            end[name] = min(max(wanted, min(least, end[name])), max(most, end[name]))
    places = torch.tensor([[start[name] for name in model.slider_names], [end[name] for name in model.slider_names]])
    before, after = model.slider_offsets(places).view(2, -1, 3)
    offsets = (after - before).numpy()
    weights = (offsets != 0).any(axis=1).astype(np.float32)
    if not weights.any():
        raise UsageError(
            f"{layer.instruction!r}: the head model's sliders are at their ends",
            advice="--set edit.route=optimise asks the networks instead",
        )
    moved = {name: end[name] - start[name] for name in start if end[name] != start[name]}
    added = (places[1] - places[0]).numpy()
    return replace(layer, weights=weights, offsets=offsets, sliders=added, details={**layer.details, "sliders": moved})


def _shaped(work: Work, watch: Watch) -> dict[str, Any]:
    """weights and offsets of a shape edit by the networks."""
    shop, topology = work.shop, work.shop.model.topology
    settings = work.regularised(work.preset.edit_geometry)
    inside = work.inside()
    weights = masks.shape_weights(topology, inside)
    head = making.start(shop, work.old)[1]
    made = edit.edit_geometry(
        shop.model,
        shop.surface,
        head,
        torch.from_numpy(weights),
        work.leads["geometry"].guidance,
        work.leads["geometry"].wanted,
        settings,
        work.asked.seed,
        watch,
        tokens=work.following(settings),
        inside=None if inside is None else torch.from_numpy(inside),
    )
    if work.by_attention:
        noticed = work.noticed(made, work.old.base_albedo.shape[0])
        if noticed.any():
            weights = np.minimum(weights, masks.shape_weights(topology, masks.vertex_weights(topology, (), noticed)))
    return {"weights": weights, "offsets": made.value.numpy()}


def _textured(work: Work, watch: Watch) -> dict[str, Any]:
    """mask and texels of a texture edit by the networks."""
    shop, topology = work.shop, work.shop.model.topology
    settings = work.regularised(work.preset.edit_texture)
    side = shop.family.texture
    before = albedo(work.old)
    mask = _drawn(work, before.shape[0])
    fixed = masks.fixed_texels(topology, shop.surface, side)
    inside = work.inside()
    made = edit.edit_texture(
        shop.surface,
        making.start(shop, work.old)[1],
        to_tensor(before),
        fixed if mask is None else fixed | masks.beyond(mask, side),
        work.leads["texture"].guidance,
        work.leads["texture"].wanted,
        settings,
        work.asked.seed,
        watch,
        work.following(settings),
        guiding.priors(shop.networks.known(guiding.extras(settings)), settings, Prompt(work.way.told)),
        None if inside is None else torch.from_numpy(inside),
    )
    if work.by_attention:
        noticed = work.noticed(made, before.shape[0])
        mask = noticed if mask is None else masks.agreed(mask, noticed)
    assert mask is not None
    return {"mask": mask, "texels": compose(before, to_bytes(made.value), mask)}


def _drawn(work: Work, size: int) -> UInt8[ndarray, "S S"] | None:
    """The mask of the regions and the brush, of all skin in a global edit; None where attention alone says where."""
    topology, surface = work.shop.model.topology, work.shop.surface
    if work.way.mask == "attention":
        return None
    if work.way.mask == "all":
        return masks.texture_mask(topology, surface, (), size)
    named = masks.texture_mask(topology, surface, work.way.region, size) if work.way.region else None
    return masks.united(named, work.asked.mask)


def changed_checkpoints(old: Face, hashes: dict[str, str], force: bool) -> list[str]:
    """Which of the networks that made a face are others today.

    Raises:
        CheckpointsChanged: some are, and `force` is off.
    """
    other = sorted(name for name, digest in hashes.items() if old.checkpoints.get(name, digest) != digest)
    if other and not force:
        raise CheckpointsChanged(
            f"the face was made by other networks than those here: {', '.join(other)}",
            advice="--force edits it with these; the layers it has stay as they are",
        )
    return other
