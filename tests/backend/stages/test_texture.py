from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings, strategies as st

from backend.diffusion.guidance import Condition, ScoreDistillation, towards
from backend.render.picture import Surface
from backend.settings import TextureSettings
from backend.stages.optimise import Watch
from backend.stages.texture import distil, filled, shrink, visibility
from tests.tiny_diffusion import tiny_diffusion
from tests.toys import toy_topology

PICTURE, TEXTURE = 128, 256
QUICK = TextureSettings(steps=3, azimuth=40.0, prior_weight=0.0, smoothness_weight=1e-4)  # the loss alone decides


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface.of(toy_topology())


@pytest.fixture(scope="module")
def rest() -> torch.Tensor:
    return torch.from_numpy(toy_topology().rest)[None]


@pytest.fixture(scope="module")
def fixed() -> torch.Tensor:
    """A corner of the UV square that no run may change."""
    fixed = torch.zeros(TEXTURE, TEXTURE, dtype=torch.bool)
    fixed[150:190, 100:140] = True
    return fixed


def halves(size: int) -> torch.Tensor:
    """The picture of 0 and 1 whose left half is 1."""
    return (torch.arange(size) < size // 2).float().expand(1, 1, size, size)


def test_a_texture_shrinks_by_averages():
    albedo = torch.rand(1, 3, 512, 512)
    expected = albedo.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))
    torch.testing.assert_close(shrink(albedo, 256), expected)


@given(st.integers(1, 6), st.integers(0, 100))
@settings(max_examples=30)
def test_filling_keeps_what_is_known(power, seed):
    size, generator = 2**power, torch.Generator().manual_seed(seed)
    values = torch.randn(1, 3, size, size, generator=generator)
    weight = (torch.rand(1, 1, size, size, generator=generator) < 0.4).float()
    if size > 2:
        known = weight.expand_as(values) == 1
        assert torch.equal(filled(values, weight)[known], values[known])
    assert torch.equal(filled(values, torch.ones_like(weight)), values) or size <= 2


@given(st.integers(1, 7), st.floats(0.01, 1), st.integers(0, 100))
@settings(max_examples=30)
def test_filling_continues_a_constant(power, share, seed):
    size, generator = 2**power, torch.Generator().manual_seed(seed)
    weight = torch.rand(1, 1, size, size, generator=generator)
    weight = torch.where(torch.rand(weight.shape, generator=generator) < share, weight, 0)
    weight[..., 0, 0] = 0.5
    noise = torch.randn(1, 2, size, size, generator=generator)
    values = torch.where(weight > 0, torch.tensor([0.3, -2.0]).view(1, 2, 1, 1), noise)
    expected = torch.tensor([0.3, -2.0]).view(1, 2, 1, 1).expand_as(values)
    torch.testing.assert_close(filled(values, weight), expected, atol=1e-4, rtol=1e-4)


def test_filling_stays_between_what_is_known_and_takes_the_nearer():
    values = torch.where(halves(64) > 0, 1.0, -1.0)
    weight = torch.zeros(1, 1, 64, 64)
    weight[..., 20:40, 5:10] = weight[..., 20:40, 54:59] = 1
    found = filled(values, weight)[0, 0]
    assert found.abs().max() <= 1 + 1e-5
    assert found[:, :8].mean() > 0.5
    assert found[:, 56:].mean() < -0.5


def test_the_views_see_the_front_and_not_the_back(surface, rest):
    """On the toy, u runs round the head from its cut behind: the front is in the middle of the square."""
    seen = visibility(surface, rest, 40.0, TEXTURE)
    assert 0 <= seen.min() < seen.max() <= 1 + 1e-5
    middle, edge = seen[110:146, 110:146], seen[60:196, :20]
    assert middle.min() > 0.7
    assert edge.max() == 0
    wider = visibility(surface, rest, 80.0, TEXTURE)
    assert (wider > 0).sum() > (seen > 0).sum()


@dataclass(frozen=True)
class Reddish:
    """Wants every picture to be of one colour; its latents are the pictures, eight times smaller."""

    model: SimpleNamespace
    colour: torch.Tensor

    def loss(self, latents, timestep, generator, condition):
        return towards(latents, latents - self.colour, torch.ones(len(latents), 1, 1, 1))


@pytest.fixture
def reddish() -> Reddish:
    def encode(images: torch.Tensor, posterior: torch.Generator | None = None) -> torch.Tensor:
        small = torch.nn.functional.avg_pool2d(images, 8)
        return torch.cat([small, small[:, :1]], dim=1)

    return Reddish(
        SimpleNamespace(encode=encode, picture_size=PICTURE), torch.tensor([0.7, 0.05, 0.1, 0.7]).view(1, 4, 1, 1)
    )


def run(surface, rest, fixed, guidance, albedo, seed=0, **changes) -> torch.Tensor:
    condition = Condition(torch.zeros(2, 12, 8))
    return distil(
        surface, rest, albedo, fixed, guidance, lambda seen, scene: condition, replace(QUICK, **changes), seed, Watch()
    )


def test_distilling_reaches_what_is_wanted_and_leaves_what_is_fixed(surface, rest, fixed, reddish):
    albedo = torch.full((1, 3, 512, 512), 0.5)
    after = run(surface, rest, fixed, reddish, albedo, steps=25, learning_rate=0.2)
    red, green, blue = after[0, :, 210:290, 290:330].mean((1, 2)).tolist()
    assert red > 0.6 > 0.3 > max(green, blue)
    inside = torch.nn.functional.max_pool2d((~fixed)[None].float(), 5, 1, 2)[0] == 0
    inside = inside.repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert torch.equal(after[0][:, inside], albedo[0][:, inside])


def test_what_no_view_sees_takes_the_colour_of_what_is_seen(surface, rest, fixed, reddish):
    albedo = torch.full((1, 3, 256, 256), 0.5)
    after = run(surface, rest, fixed, reddish, albedo, steps=25, learning_rate=0.2)
    assert (visibility(surface, rest, QUICK.azimuth, TEXTURE)[100:150, :20] == 0).all()
    red, green, _ = after[0, :, 100:150, :20].mean((1, 2)).tolist()
    assert red > 0.55 > 0.4 > green


@pytest.mark.parametrize("picture", [64, 96])
@pytest.mark.parametrize("paint", ["pyramid", "latent", "texels"])
def test_networks_and_textures_may_have_any_size(surface, rest, paint, picture):
    """What is optimised is as large as what is fixed, what the networks see as they want it."""
    seen, networks = [], tiny_diffusion(picture=picture)
    networks.vae.encoder.register_forward_pre_hook(lambda module, given: seen.append(given[0].shape[-1]))
    networks.unet.register_forward_pre_hook(lambda module, given: seen.append(8 * given[0].shape[-1]))
    albedo, side = torch.full((1, 3, 256, 256), 0.5), 2 * picture
    free = torch.zeros(side, side, dtype=torch.bool)
    asked = {"paint": paint, "latent_steps": 2 if paint == "latent" else 0}
    after = run(surface, rest, free, ScoreDistillation(networks, 10.0), albedo, **asked)
    assert set(seen) == {picture}
    assert after.shape == albedo.shape
    assert not torch.equal(after, albedo)


def test_the_seed_says_which_texture(surface, rest, fixed):
    guidance, albedo = ScoreDistillation(tiny_diffusion(picture=PICTURE), 10.0), torch.full((1, 3, 256, 256), 0.5)
    first, again, other = (run(surface, rest, fixed, guidance, albedo, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, albedo)
