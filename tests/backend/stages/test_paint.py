from dataclasses import replace

import pytest
import torch

from backend.diffusion.guidance import ScoreDistillation
from backend.settings import TextureSettings
from backend.stages.paint import DARKEST, LatentTexture, Pyramid, Texels, paint_of
from tests.tiny_diffusion import tiny_diffusion

SIZE, LEVELS = 256, (8, 16, 32, 64, 128, 256)


@pytest.fixture(scope="module")
def fixed() -> torch.Tensor:
    """A corner of the UV square that no run may change."""
    fixed = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    fixed[150:190, 100:140] = True
    return fixed


def test_a_pyramid_starts_as_its_base(fixed):
    albedo = DARKEST + (1 - 2 * DARKEST) * torch.rand(1, 3, SIZE, SIZE)
    start = Pyramid.over(albedo, fixed)
    torch.testing.assert_close(start.albedo(), albedo, atol=1e-5, rtol=0)
    assert start.roughness() == 0
    assert [level.shape[-1] for level in start.levels] == list(LEVELS)


@pytest.mark.parametrize(("side", "finest"), [(8, 8), (96, 64), (512, 512)])
def test_a_pyramid_goes_down_to_what_the_texture_can_show(side, finest):
    levels = Pyramid.over(torch.full((1, 3, side, side), 0.5), torch.zeros(side, side, dtype=torch.bool)).levels
    assert [level.shape[-1] for level in levels] == [8 << number for number in range(len(levels))]
    assert levels[-1].shape[-1] == finest


def test_a_pyramid_stays_between_black_and_white(fixed):
    start = Pyramid.over(torch.cat([torch.zeros(1, 3, 128, 256), torch.ones(1, 3, 128, 256)], dim=2), fixed)
    with torch.no_grad():
        for level in start.levels:
            level += 9 * torch.randn_like(level)
    albedo = start.albedo()
    assert 0 <= albedo.min() < albedo.max() <= 1
    assert torch.isfinite(torch.autograd.grad(albedo.sum(), start.levels[0])[0]).all()


def test_every_level_moves_what_is_not_fixed(fixed):
    for number in range(len(LEVELS)):
        start = Pyramid.over(torch.full((1, 3, SIZE, SIZE), 0.5), fixed)
        with torch.no_grad():
            start.levels[number] += 1
        albedo = start.albedo()
        torch.testing.assert_close(albedo[:, :, ~fixed], torch.sigmoid(torch.ones(1, 3, int((~fixed).sum()))))
        assert (albedo[:, :, fixed] == 0.5).all()
        assert (start.roughness() > 0) == (number >= 3)
        assert start.colour() == 0  # brightness alone
        with torch.no_grad():
            start.levels[number][:, 0] += 1
        assert (start.colour() > 0) == (number >= 2)
        still, held = TextureSettings(prior_weight=0.0, smoothness_weight=0.0), start.colour() * 3
        torch.testing.assert_close(start.held(replace(still, colour_weight=3.0)), held)


def painted(paint: str, start: str, fixed: torch.Tensor) -> tuple[torch.Tensor, object]:
    base = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    guidance = ScoreDistillation(tiny_diffusion(picture=64), 1.0)
    asked = TextureSettings(paint=paint, start=start)
    return base, paint_of(asked, base, fixed, guidance, torch.Generator().manual_seed(2))


@pytest.mark.parametrize("start", ["zeros", "ones", "randn", "albedo"])
def test_latents_start_as_they_are_asked_to(start, fixed):
    base, paint = painted("latent", start, fixed)
    assert isinstance(paint, LatentTexture)
    assert paint.latents.shape == (1, 4, 8, 8)
    values = paint.latents.detach()
    if start in ("zeros", "ones"):
        assert (values == (start == "ones")).all()
    assert (values.std() > 0) == (start in ("randn", "albedo"))
    albedo = paint.albedo()
    assert torch.equal(albedo[:, :, fixed], base[:, :, fixed])
    assert paint.held(TextureSettings()) == 0
    (slope,) = torch.autograd.grad(albedo.sum(), paint.latents)
    assert slope.abs().sum() > 0


def test_texels_start_grey_or_as_the_albedo(fixed):
    base, paint = painted("texels", "albedo", fixed)
    assert isinstance(paint, Texels)
    assert torch.equal(paint.albedo(), base)
    base, grey = painted("texels", "zeros", fixed)
    assert (grey.albedo()[:, :, ~fixed] == 0.5).all()
    assert torch.equal(grey.albedo()[:, :, fixed], base[:, :, fixed])
