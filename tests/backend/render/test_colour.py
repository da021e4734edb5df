import pytest
import torch
from hypothesis import given, strategies as st

from backend.render.colour import to_linear, to_rgb, to_srgb, to_yuv


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
