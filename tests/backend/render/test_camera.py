import math

import pytest
import torch
from hypothesis import given, strategies as st

from backend.render.camera import AIM, DISTANCE, FOV, HALF_HEIGHT, Cameras, orbit, perspective, sample_views

azimuths = st.floats(-180, 180)
elevations = st.floats(-89, 89)


def matrix(azimuth: float, elevation: float, distance: float = 5.0) -> torch.Tensor:
    """One camera's world-to-camera matrix in float64."""
    values = torch.tensor([[azimuth], [elevation], [distance]], dtype=torch.float64)
    return orbit(*values)[0]


def project(azimuth: float, point: tuple[float, float, float], **lens: object) -> list[float]:
    """Where a point is in the picture, -1..1 to the right and upwards, and its depth."""
    cameras = Cameras(torch.tensor([azimuth]), torch.zeros(1), **lens)
    clip = cameras.clip(torch.tensor([[point]]))[0, 0]
    return (clip[:3] / clip[3]).tolist()


@given(azimuths, elevations)
def test_a_camera_turns_without_stretching_and_looks_at_the_origin(azimuth, elevation):
    world_to_camera = matrix(azimuth, elevation)
    rotation = world_to_camera[:3, :3]
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(3, dtype=torch.float64))
    assert rotation.det().item() == pytest.approx(1)
    assert world_to_camera[:3, 3].tolist() == pytest.approx([0, 0, -5])


@given(azimuths, elevations)
def test_up_stays_up(azimuth, elevation):
    right, up, _ = matrix(azimuth, elevation)[:3, :3]
    assert right[1].item() == pytest.approx(0)
    assert up[1].item() == pytest.approx(math.cos(math.radians(elevation)))


@pytest.mark.parametrize(
    ("azimuth", "elevation", "place"),
    [(0, 0, (0, 0, 5)), (90, 0, (5, 0, 0)), (-90, 0, (-5, 0, 0)), (180, 0, (0, 0, -5)), (0, 30, (0, 2.5, 4.33013))],
)
def test_angles_say_where_the_camera_is(azimuth, elevation, place):
    """Azimuth 0 faces the face, 90 sees its left side; a positive elevation looks down on it."""
    found = torch.linalg.inv(matrix(azimuth, elevation))[:3, 3]
    assert found.tolist() == pytest.approx(list(place), abs=1e-4)


@pytest.mark.parametrize("elevation", [90.0, -90.0, 89.5])
def test_a_pole_is_refused(elevation):
    with pytest.raises(ValueError, match=rf"elevation \[{elevation}\] is at a pole; stay within ±89"):
        matrix(0, elevation)


def test_the_near_plane_is_minus_1_and_the_far_plane_1():
    points = torch.tensor([[[0.0, 0.0, -2.0], [0.0, 0.0, -7.0], [3.0, -2.0, -5.0]]])
    clip = perspective(points, near=2.0, far=7.0, focal=1.5)[0]
    assert (clip[:2, 2] / clip[:2, 3]).tolist() == pytest.approx([-1, 1])
    assert (clip[2, :2] / clip[2, 3]).tolist() == pytest.approx([0.9, -0.6])


@pytest.mark.parametrize("azimuth", [-70.0, 0.0, 35.0])
def test_the_aim_is_the_middle_and_half_the_height_reaches_the_edge(azimuth):
    assert project(azimuth, AIM)[:2] == pytest.approx([0, 0], abs=1e-6)
    assert project(azimuth, (AIM[0], AIM[1] + HALF_HEIGHT, AIM[2]))[1] == pytest.approx(1, abs=1e-5)
    assert math.degrees(2 * math.atan(HALF_HEIGHT / DISTANCE)) == pytest.approx(FOV)


def test_seen_from_its_left_the_face_looks_to_the_left_of_the_picture():
    nose, crown = (0.0, AIM[1], 1.0), (0.0, 1.4, 0.0)
    assert project(90.0, nose)[0] < -0.3
    assert project(-90.0, nose)[0] > 0.3
    assert project(45.0, crown)[1] > 0.5
    assert project(0.0, nose)[2] < project(0.0, (0.0, AIM[1], 0.0))[2]


def test_a_longer_lens_magnifies_and_keeps_the_perspective():
    point = (0.3, -0.2, 0.5)
    wide, long = project(20.0, point), project(20.0, point, half_height=HALF_HEIGHT / 3)
    assert long == pytest.approx([3 * wide[0], 3 * wide[1], wide[2]], abs=1e-5)


def test_one_head_serves_all_cameras():
    cameras = Cameras(torch.tensor([0.0, 40.0]), torch.tensor([5.0, -5.0]))
    head = torch.randn(1, 7, 3)
    torch.testing.assert_close(cameras.clip(head), cameras.clip(head.expand(2, -1, -1)))
    assert len(cameras) == 2


def test_clip_positions_have_the_gradient_of_finite_differences():
    angles = torch.tensor([[30.0, -10.0], [5.0, 0.0]], dtype=torch.float64)
    vertices = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda given: Cameras(angles[0], angles[1]).clip(given), vertices)


def test_views_are_drawn_evenly_within_their_range():
    cameras = sample_views(4000, torch.Generator().manual_seed(0), 40.0, 12.0)
    for angles, largest in ((cameras.azimuth, 40.0), (cameras.elevation, 12.0)):
        assert angles.abs().max() <= largest
        assert angles.mean().item() == pytest.approx(0, abs=0.05 * largest)
        assert angles.std().item() == pytest.approx(largest / 3**0.5, rel=0.03)
    again = sample_views(4000, torch.Generator().manual_seed(0), 40.0, 12.0)
    assert torch.equal(cameras.azimuth, again.azimuth)
