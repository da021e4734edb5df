import math

import pytest
import torch
from hypothesis import given, strategies as st

from backend.render.camera import sample_views
from backend.render.light import sample_lights
from backend.render.views import (
    AROUND,
    PAPER_VIEWS,
    RELEASED_VIEWS,
    ViewRange,
    released_cameras,
    released_view_words,
    sample_setting,
    view_bucket,
    view_words,
)


def released(azimuth: float, elevation: float, extra: float = 0.0):
    return released_cameras(*torch.tensor([[azimuth], [elevation], [extra]]))


def test_the_released_lens_has_the_released_focal_length():
    """1015 pixels at 224, 2320 at 512; half the picture is 1.103, 1.269, 1.434 head units at the aim."""
    cameras = released_cameras(torch.zeros(3), torch.zeros(3), torch.tensor([0.0, 1.5, 3.0]))
    torch.testing.assert_close(cameras.focal() * 112, torch.full((3,), 1015.0), atol=0.05, rtol=0)
    torch.testing.assert_close(cameras.focal() * 256, torch.full((3,), 2320.0), atol=0.05, rtol=0)
    assert cameras.half_height.tolist() == pytest.approx([1.1034, 1.269, 1.434], abs=1e-3)


@pytest.mark.parametrize(
    ("x", "y", "place"), [(-30, 0, (0, -0.5, 9.134)), (0, 60, (-0.866, 0, 9.5)), (0, 300, (0.866, 0, 9.5))]
)
def test_a_point_before_the_face_is_where_the_released_code_puts_it(x, y, place):
    """FaceG2E turns the head by x and y; in its mirrored frame z is the distance from the camera."""
    found = released(y, -x).in_camera(torch.tensor([[[0.0, 0.0, 1.0]]]))[0, 0]
    assert (found * torch.tensor([1.0, 1.0, -1.0])).tolist() == pytest.approx(list(place), abs=1e-3)


def test_cameras_farther_away_show_more_and_keep_the_middle():
    cameras = released_cameras(torch.zeros(2), torch.zeros(2), torch.tensor([0.0, 3.0]))
    clip = cameras.clip(torch.tensor([[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]))
    ndc = clip[..., :2] / clip[..., 3:]
    assert ndc[:, 0].abs().max() < 1e-6
    assert (1 / ndc[:, 1, 1]).tolist() == pytest.approx([1.1034, 1.434], abs=1e-3)
    assert (clip[..., 2].abs() < clip[..., 3]).all()


@pytest.mark.parametrize("stage", [*RELEASED_VIEWS, "paper"])
def test_all_views_of_a_list_are_drawn_about_equally_often(stage):
    views = PAPER_VIEWS if stage == "paper" else RELEASED_VIEWS[stage]
    drawn = views.draw(6000, torch.Generator().manual_seed(0))
    for values, allowed in zip(drawn, (views.azimuth, views.elevation, views.extra), strict=True):
        if isinstance(views, ViewRange):
            assert allowed[0] <= values.min() < values.max() <= allowed[1]
            assert values.mean().item() == pytest.approx(sum(allowed) / 2, abs=0.03 * (allowed[1] - allowed[0]))
        else:
            shares = [(values == one).float().mean().item() for one in allowed]
            assert shares == pytest.approx([1 / len(allowed)] * len(allowed), abs=0.03)
    assert torch.equal(drawn, views.draw(6000, torch.Generator().manual_seed(0)))


@pytest.mark.parametrize(
    ("yaw", "words"),
    [
        *[(45, "front"), (45.1, "side"), (135, "side"), (135.1, "back"), (225, "side"), (314.9, "side")],
        *[(315, "front"), (-30, "front"), (0, "front"), (360, "front"), (180, "back")],
    ],
)
def test_the_released_words_of_a_view(yaw, words):
    assert released_view_words(float(yaw)) == f"{words} view"


def test_there_are_24_buckets_with_words_of_their_own():
    views = [(45.0 * step, elevation) for elevation in (0.0, 30.0, -30.0) for step in range(8)]
    assert [view_bucket(*view) for view in views] == list(range(24))
    assert len({view_words(*view) for view in views}) == 24
    assert view_words(-90.0, 0.0) == "right side view"
    assert view_words(50.0, 25.0) == "three-quarter view from the left, from above"


@given(st.floats(-720, 720), st.floats(-89, 89))
def test_a_view_mirrored_has_the_mirrored_words(azimuth, elevation):
    if math.isclose(abs(azimuth) % 45, 22.5, abs_tol=1e-6):
        return
    words = view_words(azimuth, elevation)
    mirrored = words.replace("left", "?").replace("right", "left").replace("?", "right")
    assert mirrored == view_words(-azimuth, elevation)
    assert words.split(", ")[0] in AROUND


def test_a_setting_is_views_then_lights_of_one_generator():
    cameras, lights = sample_setting(3, torch.Generator().manual_seed(5), 40.0, 10.0)
    generator = torch.Generator().manual_seed(5)
    views = sample_views(3, generator, 40.0, 10.0)
    assert torch.equal(cameras.azimuth, views.azimuth)
    assert torch.equal(cameras.elevation, views.elevation)
    assert torch.equal(lights, sample_lights(3, generator))
