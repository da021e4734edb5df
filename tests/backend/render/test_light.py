import math

import pytest
import torch

from backend.render.light import display_light, harmonics, lamp, sample_lights, shade


def sphere(count: int = 200_000) -> torch.Tensor:
    """Directions spread evenly over the sphere (Fibonacci's lattice)."""
    number = torch.arange(count, dtype=torch.float64) + 0.5
    height = 1 - 2 * number / count
    around = number * math.pi * (1 + 5**0.5)
    across = (1 - height**2).sqrt()
    return torch.stack([across * around.cos(), across * around.sin(), height], dim=1)


def lambert(direction: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
    """How a distant lamp of strength 1 lights a matt white surface."""
    return (normals @ torch.nn.functional.normalize(direction, dim=0)).clamp(min=0)


def test_the_harmonics_are_orthonormal():
    values = harmonics(sphere())
    products = values.T @ values * (4 * math.pi / len(values))
    torch.testing.assert_close(products, torch.eye(9, dtype=torch.float64), atol=1e-5, rtol=0)


def test_each_band_answers_a_lamp_as_matt_surfaces_do():
    """The clamped cosine's own expansion, by quadrature: π, 2π/3, π/4 (Ramamoorthi & Hanrahan 2001, eq. 8)."""
    directions, toward = sphere(), torch.tensor([0.3, -0.5, 0.8], dtype=torch.float64)
    unit = torch.nn.functional.normalize(toward, dim=0)
    expected = (lambert(toward, directions)[:, None] * harmonics(directions)).mean(0) * 4 * math.pi
    found = lamp(unit[None], torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64))[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("key", "ambient"), [(0.6, 0.4), (1.0, 0.0), (0.0, 1.0)])
def test_what_faces_the_lamp_has_the_shade_of_key_and_ambient(key, ambient):
    direction = torch.tensor([[2.0, 1.0, 3.0]])
    light = lamp(direction, torch.tensor([key]), torch.tensor([ambient]))
    found = shade(torch.nn.functional.normalize(direction, dim=1), light).item()
    assert found == pytest.approx(key + 0.0625 * key + ambient, abs=1e-4)


def test_nine_numbers_light_nearly_as_the_lamp_itself():
    directions, toward = sphere(2000), torch.tensor([-0.2, 0.9, 0.4], dtype=torch.float64)
    light = lamp(toward[None], torch.tensor([0.7]).double(), torch.tensor([0.2]).double())
    error = shade(directions, light) - (0.7 * lambert(toward, directions) + 0.2)
    assert error.abs().max() < 0.1 * 0.7
    assert error.abs().mean() < 0.04 * 0.7


def test_no_shade_is_negative():
    light = lamp(torch.tensor([[0.0, 0.0, 1.0]]), torch.ones(1), torch.full((1,), -0.2))
    shades = shade(sphere(2000).float(), light)
    assert shades.min() == 0
    assert shades.max() > 0.8


@pytest.mark.parametrize("lights", [display_light(), sample_lights(200, torch.Generator().manual_seed(0))])
def test_lights_neither_burn_out_nor_leave_the_front_dark(lights):
    directions = sphere(500).float()
    shades = shade(directions[None], lights[:, None])
    assert shades.max() < 1.06
    assert shades[:, directions[:, 2] > 0.8].min() > 0.3


def test_shading_has_the_gradient_of_finite_differences():
    normals = torch.nn.functional.normalize(torch.randn(5, 3, dtype=torch.float64), dim=1).requires_grad_()
    light = (0.1 * torch.randn(1, 9, dtype=torch.float64) + torch.eye(9, dtype=torch.float64)[:1]).requires_grad_()
    assert torch.autograd.gradcheck(shade, (normals, light))
