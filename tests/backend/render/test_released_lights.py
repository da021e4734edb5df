import pytest
import torch

from backend.render.light import harmonics, normalised, released_display_light, released_lights, sample_lights, shade


def front(count: int = 4000) -> torch.Tensor:
    """Random directions of the half sphere that faces the viewer."""
    directions = torch.nn.functional.normalize(torch.randn(count, 3), dim=1)
    return directions * torch.tensor([1.0, 1.0, 1.0]).where(directions[:, 2:] > 0, -1.0)


def test_what_faces_the_viewer_has_the_released_shades():
    ahead = torch.tensor([[0.0, 0.0, 1.0]])
    lights = released_lights()
    assert lights.shape == (16, 9)
    assert shade(ahead.expand(16, 3), lights).tolist() == pytest.approx([1.3293] * 16, abs=1e-4)
    assert shade(ahead, released_display_light()).item() == pytest.approx(1.6838, abs=1e-4)


def test_the_tenth_light_is_out_of_range_as_released():
    shades = (harmonics(front()) * released_lights()[9]).sum(1)
    assert shades.min().item() == pytest.approx(-0.46, abs=0.02)
    assert shades.max().item() == pytest.approx(2.28, abs=0.02)


def test_the_released_basis_has_its_signs():
    """A light of coefficient 1 only: brighter below; 3: to the left."""
    below, left = torch.tensor([[0.0, -1.0, 0.0]]), torch.tensor([[-1.0, 0.0, 0.0]])
    low, dark = released_lights()[4], released_lights()[1]
    assert shade(below, low) > shade(-below, low)
    assert shade(below, dark) < shade(-below, dark)
    assert shade(left, low) > shade(-left, low)


def test_normalised_lights_burn_nothing_out_and_change_only_their_strength():
    for lights in (released_lights(), released_display_light()):
        dimmed = normalised(lights)
        shades = shade(front()[None], dimmed[:, None])
        assert shades.max() <= 1.001
        assert shades.amax(1).min() > 0.98
        torch.testing.assert_close(torch.nn.functional.normalize(dimmed), torch.nn.functional.normalize(lights))


def test_lights_that_burn_nothing_out_stay():
    lights = 0.9 * sample_lights(5, torch.Generator().manual_seed(0))
    torch.testing.assert_close(normalised(lights), lights)
