"""Edits of a toy head: by networks of any size, and by some whose attention is built, with what it holds back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor

from backend.diffusion.editing import EditDistillation
from backend.diffusion.guidance import Condition, towards
from backend.diffusion.model import Diffusion
from backend.render.picture import Surface
from backend.render.uv import unwrapped
from backend.settings import EditGeometrySettings, EditTextureSettings
from backend.stages.edit import Edited, edit_geometry, edit_texture
from backend.stages.guiding import between
from backend.stages.journal import Journal
from backend.stages.masks import attention_mask, skin_texels
from backend.stages.optimise import Watch
from tests.tiny_diffusion import tiny_diffusion
from tests.toy_head import toy_head

HEAD = toy_head()
SURFACE = Surface.of(HEAD.topology)
TOLD, EMPTY = torch.eye(4)[[1, 0, 1]], torch.eye(4)[[1, 2, 1]]  # token 1 means what is painted red
TEXT = Condition(torch.randn(2, 12, 8, generator=torch.Generator().manual_seed(1)))
QUICK = EditTextureSettings(steps=6, learning_rate=0.3, azimuth=30.0, elevation=20.0)
STILL = replace(QUICK, lights="still")


class Looking(torch.nn.Module):
    """One cross-attention layer: places of channel k look at tokens of channel k."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = Attention(query_dim=4, cross_attention_dim=4, heads=1, dim_head=4, bias=False)
        self.layer.load_state_dict({f"to_{part}.weight": 8 * torch.eye(4) for part in "qk"}, strict=False)
        self.config = {"sample_size": 16}

    def forward(self, latents: Tensor, text: Tensor) -> None:
        self.layer(latents.flatten(2).transpose(1, 2), encoder_hidden_states=text)


class Shrinking(Diffusion):
    """Its latents are pictures, eight times smaller: redness, the lack of it, green and blue."""

    def encode(self, images: Tensor, posterior: torch.Generator | None = None) -> Tensor:
        red, green, blue = torch.nn.functional.avg_pool2d(images, 8).split(1, dim=1)
        redness = (red - green).clamp(min=0)
        return torch.cat([redness, 1 - redness, green, blue], dim=1)


@dataclass(frozen=True)
class Greenish:
    """Wants all green; looks at what was red."""

    model: Diffusion

    def loss(self, latents: Tensor, timestep: Tensor, generator: torch.Generator, condition: Condition) -> Tensor:
        assert condition.original is not None
        with torch.no_grad():
            texts = torch.stack([TOLD, EMPTY, EMPTY]).repeat_interleave(len(latents), 0)
            self.model.unet(condition.original.repeat(3, 1, 1, 1), texts)
        wanted = latents.detach() - torch.tensor([0.0, 1.0, 0.6, 0.0]).view(1, 4, 1, 1)
        return towards(latents, wanted, torch.ones(len(latents), 1, 1, 1))


@pytest.fixture
def guidance() -> Greenish:
    return Greenish(Shrinking(**{**vars(tiny_diffusion()), "unet": Looking()}))


@pytest.fixture(scope="module")
def nose() -> Tensor:
    """(256, 256) how much of the nose each texel is."""
    weights = torch.from_numpy(HEAD.topology.region("nose"))[:, None]
    return unwrapped(weights, SURFACE.uvs, SURFACE.faces, SURFACE.uv_faces, 256)[0][0]


@pytest.fixture(scope="module")
def albedo(nose: Tensor) -> Tensor:
    grey = torch.full((1, 3, 256, 256), 0.4)
    return torch.where(nose > 0.5, torch.tensor([0.9, 0.1, 0.1]).view(1, 3, 1, 1), grey)


def painted(
    guidance: Greenish, albedo: Tensor, tokens: Sequence[int], watch: Watch | None = None, **changes: Any
) -> Edited:
    fixed, settings = torch.zeros(256, 256, dtype=torch.bool), replace(STILL, **changes)
    text = Condition(torch.zeros(2, 3, 4))
    return edit_texture(SURFACE, HEAD.vertices(), albedo, fixed, guidance, text, settings, 0, watch or Watch(), tokens)


def test_following_words_changes_nothing_of_the_edit(guidance, albedo):
    plain, followed = painted(guidance, albedo, ()), painted(guidance, albedo, (1,))
    assert torch.equal(plain.value, followed.value)
    assert plain.noticed.max() == 0


def test_what_the_words_look_at_becomes_the_mask(guidance, albedo, nose):
    found = painted(guidance, albedo, (1,))
    mask = torch.from_numpy(attention_mask(found.noticed, skin_texels(HEAD.topology, SURFACE, 256))) > 127
    assert (mask & (nose > 0.5)).sum() > 0.4 * (nose > 0.5).sum()
    assert mask.sum() < 2 * (nose > 0.5).sum()


def test_a_focused_edit_leaves_the_rest_alone(guidance, albedo, nose):
    changed = (painted(guidance, albedo, (1,), focused=True, paint="texels").value - albedo).abs().mean((0, 1))
    assert changed[nose == 0].mean() < 0.1 * changed[nose > 0.8].mean()


def test_an_edit_that_was_broken_off_goes_on_as_if_nothing_had_been(guidance, albedo, tmp_path):
    journal = Journal.of(tmp_path / "face", {}, resume=False, interval=0.0)
    whole = painted(guidance, albedo, (1,), steps=5)

    def killed(step: int, total: int) -> None:
        if step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        painted(guidance, albedo, (1,), Watch(killed, journal=journal, stage="texture"), steps=5)
    resumed = painted(guidance, albedo, (1,), Watch(journal=journal, stage="texture"), steps=5)
    assert torch.equal(resumed.value, whole.value)
    assert torch.equal(resumed.noticed, whole.noticed)


@pytest.mark.parametrize("stage", ["texture", "shape"])
def test_the_soft_weight_is_in_the_loss(guidance, albedo, stage):
    ones, text = torch.ones(len(HEAD.topology.rest)), Condition(torch.zeros(2, 3, 4))

    def edited(**changes: Any) -> Edited:
        if stage == "texture":
            return painted(guidance, albedo, (1,), steps=3, **changes)
        settings = EditGeometrySettings(steps=3, pictures="textured", lights="still", **changes)
        given = HEAD, SURFACE, HEAD.vertices(), ones, guidance, text, settings, 0, Watch()
        return edit_geometry(*given, albedo=albedo, tokens=(1,))

    free, held = edited(), edited(drift=1e4)
    assert free.noticed.max() == 1
    assert not torch.equal(free.value, held.value)


@pytest.fixture(params=[64, 96])
def sized(request) -> tuple[EditDistillation, list[int]]:
    """Networks for pictures of some size, and the sizes that they are shown, with that one first."""
    networks, seen = tiny_diffusion(in_channels=8, picture=request.param), [request.param]
    networks.vae.encoder.register_forward_pre_hook(lambda module, given: seen.append(given[0].shape[-1]))
    networks.unet.register_forward_pre_hook(lambda module, given: seen.append(8 * given[0].shape[-1]))
    return EditDistillation(networks, 4.0, 1.5), seen


@pytest.mark.parametrize("kind", ["dds", "pds"])
def test_an_edit_between_two_texts_is_made_and_its_words_are_followed(kind: str):
    settings = replace(QUICK, steps=2, guidance=kind, guidance_scale=7.5)
    asked = between(tiny_diffusion(), settings, "a person", "red lips", "")
    start, free = torch.full((1, 3, 64, 64), 0.5), torch.zeros(64, 64, dtype=torch.bool)
    found = edit_texture(SURFACE, HEAD.vertices(), start, free, *asked, settings, 0, Watch(), (1,))
    assert (found.value - start).abs().max() > 1e-3
    assert found.noticed.max() == 1
    shape = EditGeometrySettings(steps=2, guidance=kind, guidance_scale=7.5)
    weights = torch.ones(len(HEAD.topology.rest))
    assert edit_geometry(HEAD, SURFACE, HEAD.vertices(), weights, *asked, shape, 0, Watch()).value.abs().max() > 1e-3


def test_a_shape_edit_shows_networks_pictures_of_their_own_size(sized):
    distillation, seen = sized
    model = toy_head()
    weights, settings = torch.ones(len(model.topology.rest)), EditGeometrySettings(steps=2)
    given = (model, Surface.of(model.topology), model.vertices(), weights, distillation, TEXT, settings, 0, Watch())
    assert edit_geometry(*given).value.abs().max() > 0
    assert len(seen) > 1 == len(set(seen))


def test_a_texture_edit_shows_networks_pictures_of_their_own_size(sized):
    distillation, seen = sized
    model, albedo = toy_head(), torch.full((1, 3, 128, 128), 0.5)
    free, settings = torch.zeros(64, 64, dtype=torch.bool), EditTextureSettings(steps=2)
    surface = Surface.of(model.topology)
    after = edit_texture(surface, model.vertices(), albedo, free, distillation, TEXT, settings, 0, Watch()).value
    assert after.shape == albedo.shape
    assert not torch.equal(after, albedo)
    assert len(seen) > 1 == len(set(seen))
