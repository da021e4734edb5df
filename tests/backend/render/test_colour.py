import pytest
import torch
from hypothesis import given, strategies as st

from backend.render.colour import PRIOR_SPACES, for_prior, from_prior, to_linear, to_rgb, to_srgb, to_yuv


def yuv(*rgb: float) -> list[float]:
    return to_yuv(torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1)).flatten().tolist()


def test_white_grey_blue_and_red_are_what_the_standard_says():
    assert yuv(1, 1, 1) == pytest.approx([1, 0, 0], abs=1e-9)
    assert yuv(0.5, 0.5, 0.5) == pytest.approx([0.5, 0, 0], abs=1e-9)
    assert yuv(0, 0, 1)[1] == pytest.approx(0.436)
    assert yuv(1, 0, 0)[2] == pytest.approx(0.615)


@given(st.integers(0, 1000))
def test_rgb_comes_back_from_yuv(seed):
    images = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(to_rgb(to_yuv(images)), images, atol=2e-6, rtol=0)


@given(st.floats(-0.2, 1.5))
def test_srgb_comes_back_from_linear_light(value):
    one = torch.tensor(value, dtype=torch.float64)
    assert to_srgb(to_linear(one)).item() == pytest.approx(value, abs=1e-7)


def test_linear_light_has_the_known_values():
    assert to_linear(torch.tensor([0.0, 0.04045, 0.5, 1.0])).tolist() == pytest.approx(
        [0, 0.0031308, 0.2140411, 1], abs=1e-6
    )


def test_the_curves_have_gradients_everywhere():
    values = torch.tensor([0.0, 0.01, 0.3, 1.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(to_linear, values)
    assert torch.autograd.gradcheck(to_srgb, values)


@pytest.mark.parametrize("space", PRIOR_SPACES)
def test_what_a_prior_sees_fills_its_range_and_comes_back(space: str):
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3).T.view(1, 3, 2, 4)
    seen = for_prior(corners, space)
    assert seen.amin((0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert seen.amax((0, 2, 3)).tolist() == pytest.approx([1, 1, 1], abs=1e-5)
    torch.testing.assert_close(from_prior(seen, space), corners, atol=1e-5, rtol=0)


def test_a_prior_of_rgb_sees_the_texture_itself_and_grey_has_no_colour_in_yuv():
    albedo = torch.rand(1, 3, 4, 4)
    assert for_prior(albedo, "rgb") is albedo
    grey = albedo[:, :1].expand(-1, 3, -1, -1)
    seen = for_prior(grey, "yuv")
    torch.testing.assert_close(seen[:, 1:], torch.full_like(seen[:, 1:], 0.5))
    with pytest.raises(ValueError, match="'lab' is none of rgb, yuv"):
        for_prior(albedo, "lab")
