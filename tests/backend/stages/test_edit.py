"""Edits by networks of toy size, whatever pictures they are for."""

import pytest
import torch

from backend.diffusion.editing import EditDistillation
from backend.render.picture import Surface
from backend.settings import EditGeometrySettings, EditTextureSettings
from backend.stages.edit import edit_geometry, edit_texture
from backend.stages.optimise import Watch
from tests.tiny_diffusion import tiny_diffusion
from tests.toy_head import toy_head

TEXT = torch.randn(2, 12, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=[64, 96])
def guidance(request) -> tuple[EditDistillation, list[int]]:
    """Networks for pictures of some size, and the sizes that they are shown, with that one first."""
    networks, seen = tiny_diffusion(in_channels=8, picture=request.param), [request.param]
    networks.vae.encoder.register_forward_pre_hook(lambda module, given: seen.append(given[0].shape[-1]))
    networks.unet.register_forward_pre_hook(lambda module, given: seen.append(8 * given[0].shape[-1]))
    return EditDistillation(networks, 4.0, 1.5), seen


def test_a_shape_edit_shows_networks_pictures_of_their_own_size(guidance):
    distillation, seen = guidance
    model = toy_head()
    weights, settings = torch.ones(len(model.topology.rest)), EditGeometrySettings(steps=2)
    given = (model, Surface.of(model.topology), model.vertices(), weights, distillation, TEXT, settings, 0, Watch())
    assert edit_geometry(*given).abs().max() > 0
    assert len(seen) > 1 == len(set(seen))


def test_a_texture_edit_shows_networks_pictures_of_their_own_size(guidance):
    distillation, seen = guidance
    model, albedo = toy_head(), torch.full((1, 3, 128, 128), 0.5)
    free, settings = torch.zeros(64, 64, dtype=torch.bool), EditTextureSettings(steps=2)
    surface = Surface.of(model.topology)
    after = edit_texture(surface, model.vertices(), albedo, free, distillation, TEXT, settings, 0, Watch())
    assert after.shape == albedo.shape
    assert not torch.equal(after, albedo)
    assert len(seen) > 1 == len(set(seen))
