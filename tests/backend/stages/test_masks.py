"""Masks of regions, brushes and attention, on a toy head."""

import numpy as np
import torch

from backend.render.picture import Surface
from backend.render.uv import unwrapped
from backend.stages.masks import (
    REACH,
    agreed,
    attention_mask,
    beyond,
    fixed_texels,
    shape_weights,
    skin_texels,
    texture_mask,
    united,
    vertex_weights,
)
from tests.toys import toy_topology

TOPOLOGY = toy_topology()
SURFACE = Surface.of(TOPOLOGY)
SIZE = 128


def test_a_regions_mask_lies_on_the_region():
    mask = texture_mask(TOPOLOGY, SURFACE, ("nose",), SIZE)
    weights = torch.from_numpy(TOPOLOGY.region("nose"))[:, None]
    drawn, _ = unwrapped(weights, SURFACE.uvs, SURFACE.faces, SURFACE.uv_faces, SIZE)
    assert (mask[drawn[0].numpy() > 0.7] == 255).all()
    assert (mask[drawn[0].numpy() < 0.05] == 0).all()
    both = texture_mask(TOPOLOGY, SURFACE, ("nose", "chin"), SIZE)
    assert (both >= mask).all()
    assert both.sum() > mask.sum()


def test_a_mask_begins_and_ends_softly():
    """The steps from texel to texel are small where it begins and where it is full, beside those between."""
    mask = texture_mask(TOPOLOGY, SURFACE, ("nose",), 1024).astype(int)
    steps = np.abs(np.diff(mask, axis=1))
    here = mask[:, :-1]
    first, middle = steps[(here > 0) & (here < 12)].mean(), steps[(here > 100) & (here < 150)].mean()
    assert first < 0.5 * middle


def test_without_a_region_it_is_all_skin_and_nothing_else():
    skin = skin_texels(TOPOLOGY, SURFACE, SIZE)
    assert (texture_mask(TOPOLOGY, SURFACE, (), SIZE) == 255 * skin.numpy()).all()
    assert not (fixed_texels(TOPOLOGY, SURFACE, SIZE) & skin).sum() > 0.1 * skin.sum()


def test_attention_is_cut_and_fades_within():
    noticed = torch.zeros(1, 1, 64, 64)
    noticed[..., 20:40, 20:40] = 0.9
    noticed[..., 45:60, 45:60] = 0.4
    skin = torch.ones(SIZE, SIZE, dtype=torch.bool)
    skin[:, :50] = False
    mask = attention_mask(noticed, skin)
    assert mask[60, 65] == 255
    assert mask[:, :50].max() == 0
    assert mask[90:, 90:].max() == 0
    assert attention_mask(torch.zeros(1, 1, 64, 64), skin).max() == 0


def test_what_is_drawn_and_noticed_is_their_common_part_or_what_is_drawn():
    drawn, noticed = np.zeros((2, 4, 4), np.uint8)
    drawn[:2], noticed[1:] = 200, 100
    assert (agreed(drawn, noticed) == np.array([0, 100, 0, 0], np.uint8)[:, None]).all()
    assert (agreed(drawn, np.zeros_like(drawn)) == drawn).all()
    assert (united(drawn, None, noticed) == np.array([200, 200, 100, 100], np.uint8)[:, None]).all()


def test_beyond_a_mask_is_where_nothing_of_it_is():
    mask = texture_mask(TOPOLOGY, SURFACE, ("nose",), SIZE)
    small = beyond(mask, SIZE // 4)
    assert not small[(mask.reshape(32, 4, 32, 4).min(axis=(1, 3)) == 255)].any()
    assert small[(mask.reshape(32, 4, 32, 4).max(axis=(1, 3)) == 0)].all()


def test_a_brush_reaches_the_vertices_beneath_it():
    brush = np.zeros((SIZE, SIZE), np.uint8)
    brush[:, SIZE // 2 :] = 255
    weights = vertex_weights(TOPOLOGY, (), brush)
    assert weights is not None
    assert (weights[TOPOLOGY.rest[:, 0] > 0.2] == 1).all()
    assert (weights[TOPOLOGY.rest[:, 0] < -0.2] == 0).all()
    named = vertex_weights(TOPOLOGY, ("nose",), brush)
    assert named is not None
    assert (named >= weights).all()
    assert vertex_weights(TOPOLOGY, (), None) is None


def test_a_shape_edit_fades_out_round_its_region():
    inside = TOPOLOGY.region("nose")
    weights = shape_weights(TOPOLOGY, inside)
    assert (weights[inside > 0.5] == 1).all()
    named = TOPOLOGY.rest[inside > 0.5]
    far = np.linalg.norm(TOPOLOGY.rest[:, None] - named, axis=2).min(axis=1) >= REACH
    assert far.any()
    assert (weights[far] == 0).all()
    assert (shape_weights(TOPOLOGY, None) == 1).all()
    assert (shape_weights(TOPOLOGY, np.zeros_like(inside)) == 0).all()
