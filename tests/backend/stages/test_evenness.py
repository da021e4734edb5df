from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.render.picture import Surface
from backend.settings import TextureSettings
from backend.stages.evenness import COLOURFUL, Evenness, variation
from tests.toys import COLUMNS, ROWS, toy_topology

SIZE = 128


@pytest.fixture(scope="module")
def even() -> Evenness:
    """On the toy, u runs round the head: left and right mirror each other about u = 0.5."""
    columns = np.arange(COLUMNS)
    mirror = ((np.arange(ROWS + 1) * COLUMNS)[:, None] + (-columns) % COLUMNS).reshape(-1).astype(np.int32)
    topology = replace(toy_topology(), mirror=mirror)
    return Evenness.of(topology, Surface.of(topology), SIZE)


def noise(seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


def test_what_is_alike_on_both_sides_has_no_asymmetry(even):
    across = torch.linspace(-1, 1, SIZE).abs().expand(1, 3, SIZE, SIZE)
    assert even.sided.float().mean() > 0.5
    assert even.asymmetry(across) < 2e-4 < 1e-2 < even.asymmetry(torch.linspace(-1, 1, SIZE).expand(1, 3, SIZE, SIZE))


def test_asymmetry_pulls_one_side_towards_the_other_which_stays(even):
    albedo = noise().requires_grad_()
    before = even.asymmetry(albedo)
    (slope,) = torch.autograd.grad(before, albedo)
    assert even.asymmetry((albedo - 100 * slope).detach()) < before
    assert (slope[0][:, ~even.sided] == 0).all()


def test_a_head_without_a_mirror_has_no_asymmetry():
    topology = toy_topology()
    assert Evenness.of(topology, Surface.of(topology), SIZE).asymmetry(noise()) == 0


def test_a_seam_is_torn_where_its_sides_differ(even):
    """The toy is cut at u = 0 and u = 1."""
    assert even.seams.shape[1] > 0
    ends = even.seams[..., 0].sort(dim=0).values
    assert torch.equal(ends[0], torch.zeros(ends.shape[1]))
    assert torch.equal(ends[1], torch.ones(ends.shape[1]))
    wave = torch.cos(2 * torch.pi * (torch.arange(SIZE) + 0.5) / SIZE).expand(1, 3, SIZE, SIZE)
    ramp = torch.linspace(0, 1, SIZE).expand(1, 3, SIZE, SIZE)
    assert even.tear(wave) < 1e-6 < 0.9 < even.tear(ramp)


def test_light_on_one_side_is_uneven_and_small_spots_are_not(even):
    flat = torch.full((1, 3, SIZE, SIZE), 0.5)
    ramp = torch.linspace(0, 1, SIZE).expand(1, 3, SIZE, SIZE)
    checks = ((torch.arange(SIZE)[:, None] + torch.arange(SIZE)) % 2).float().expand(1, 3, SIZE, SIZE)
    assert even.unevenness(flat) < 1e-10
    assert even.unevenness(checks) < 1e-3 < 0.05 < even.unevenness(ramp)


def test_only_glaring_colours_glare(even):
    colour = torch.zeros(1, 3, SIZE, SIZE)
    assert even.glare(colour) == 0
    colour[:, 0] = COLOURFUL
    assert even.glare(colour) == 0
    colour[:, 0] = 1
    assert even.glare(colour) == pytest.approx((1 - COLOURFUL) ** 2)


def test_variation_is_that_of_neighbours():
    ramp = torch.arange(SIZE).float().expand(1, 3, SIZE, SIZE)
    assert variation(ramp) == pytest.approx(1 / 3)


def test_terms_come_in_with_their_weights(even):
    albedo = noise()
    assert even.loss(albedo, TextureSettings()) == 0
    both = even.loss(albedo, TextureSettings(symmetry=2.0, seam=3.0))
    torch.testing.assert_close(both, 2 * even.asymmetry(albedo) + 3 * even.tear(albedo))
