"""On small files of the published structure: HIFI3D++ itself may not be handed out."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import HeadInvalid
from backend.face import hifi3d
from backend.face.checks import landmark_points
from backend.face.model import FaceModel
from tests.backend.face.matwriter import mat
from tests.backend.face.toy_marks import toy_marks
from tests.toys import toy_topology


def structure(seed: int = 0) -> dict[str, np.ndarray]:
    """The published keys, on the toys' head: interleaved xyz, indices from 0, everything two-dimensional."""
    toy, generator = toy_topology(), np.random.default_rng(seed)
    flat = toy.rest.size
    return {
        "mu_shape": (toy.rest * 10 + [1, 2, 3]).reshape(1, -1).astype(np.float32),
        "basis_shape": generator.normal(size=(6, flat)).astype(np.float32),
        "basis_exp": generator.normal(size=(4, flat)).astype(np.float32),
        "tri": toy.faces.astype(np.int32),
        "vt_list": toy.uvs.astype(np.float32),
        "tri_vt": toy.uv_faces.astype(np.int32),
        "mask_face": (np.arange(len(toy.rest)) < 50).astype(np.uint8)[None],
        "keypoints": keypoints()[None],
    }


def keypoints() -> np.ndarray:
    """The 86, those of iBUG's mark-up nearest to where a face has them."""
    marks = np.zeros(hifi3d.KEYPOINTS, np.int32)
    apart = np.linalg.norm(toy_topology().rest[:, None] - toy_marks()[None], axis=2)
    marks[list(hifi3d.IBUG)] = apart.argmin(axis=0)
    return marks


def written(path: Path, **changes: np.ndarray | None) -> Path:
    arrays = {name: array for name, array in (structure() | changes).items() if array is not None}
    path.write_bytes(mat(arrays, compress=True))
    return path


def test_vertices_are_those_of_the_papers_code(tmp_path):
    """V = (μ - mean μ)/10 + β·B_id/10 + ξ·B_exp/160."""
    model = hifi3d.load(written(tmp_path / "HIFI3D++.mat"))
    assert isinstance(model, FaceModel)
    arrays = structure()
    identity, expression = torch.randn(2, 6), torch.randn(2, 4)
    mean = arrays["mu_shape"].reshape(-1, 3)
    expected = (mean - mean.mean(axis=0))[None] / 10
    expected = expected + (identity.numpy() @ arrays["basis_shape"] / 10).reshape(2, -1, 3)
    expected = expected + (expression.numpy() @ arrays["basis_exp"] / 160).reshape(2, -1, 3)
    np.testing.assert_allclose(model.vertices(identity, None, expression), expected, atol=1e-5)


def test_triangles_and_texture_coordinates_stay_as_published(tmp_path):
    topology = hifi3d.load(written(tmp_path / "HIFI3D++.mat")).topology
    toy = toy_topology()
    assert np.array_equal(topology.faces, toy.faces)
    assert np.array_equal(topology.uv_faces, toy.uv_faces)
    assert np.array_equal(topology.uvs, toy.uvs)
    assert topology.quads.shape == (0, 4)
    assert np.array_equal(topology.region("face"), np.arange(208) < 50)
    assert "research" in topology.licence


def test_the_mark_of_the_face_may_be_absent(tmp_path):
    topology = hifi3d.load(written(tmp_path / "HIFI3D++.mat", mask_face=None, keypoints=None)).topology
    assert topology.region_names == ("head",)
    assert topology.landmarks is None


def test_its_keypoints_give_landmarks_and_regions(tmp_path):
    topology = hifi3d.load(written(tmp_path / "HIFI3D++.mat")).topology
    assert topology.landmarks is not None
    points = landmark_points(topology.rest, topology.faces, topology.landmarks)
    expected = topology.rest[keypoints()[list(hifi3d.IBUG)]]
    np.testing.assert_allclose(points, expected, atol=1e-6)
    assert {"nose", "lips", "jaw", "left_ear", "right_brow", "forehead", "neck"} <= set(topology.region_names)
    assert np.array_equal(topology.region("face"), np.arange(208) < 50)


def test_of_the_keypoints_each_of_the_68_is_another_one():
    assert len(set(hifi3d.IBUG)) == len(hifi3d.IBUG) == 68
    assert max(hifi3d.IBUG) < hifi3d.KEYPOINTS


@pytest.mark.parametrize("member", ["HIFI3D++.mat", "REALY [data] (v1)/HIFI3D++ (1).mat"])
@pytest.mark.parametrize("name", ["HIFI3D++ (2).zip", "REALY [HIFI3D++].zip"])
def test_archives_open_as_they_were_downloaded(tmp_path, name, member):
    with zipfile.ZipFile(tmp_path / "another.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("LICENSE", "research")
        archive.writestr(member, mat(structure()))
    for place in (tmp_path / name, tmp_path):
        assert hifi3d.load(place).identity_size == 6


def test_a_folder_is_searched(tmp_path):
    (tmp_path / "HIFI3D data").mkdir()
    written(tmp_path / "HIFI3D data" / "HIFI3D++.mat")
    assert hifi3d.load(tmp_path).expression_size == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"basis_exp": None, "vt_list": None}, r"lacks basis_exp, vt_list; it has mu_shape, basis_shape"),
        ({"mu_shape": np.zeros((1, 30))}, r"basis_shape is 6 × 624, expected 6 × 30"),
        ({"tri": structure()["tri"] + 1}, r"tri runs from 1 to 208, expected 0 to 207"),
        ({"tri_vt": structure()["tri_vt"][:5]}, r"tri_vt is 5 × 3, expected 384 × 3"),
        ({"vt_list": np.full((221, 2), np.nan)}, r"442 values of vt_list are no numbers"),
        ({"keypoints": np.arange(68)[None]}, r"keypoints are 68, expected 86"),
        ({"keypoints": np.full((1, 86), 700)}, r"keypoints runs from 700 to 700, expected 0 to 207"),
        ({"mask_face": np.zeros((1, 7))}, r"mask_face is 1 × 7, expected 1 × 208"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, changes, said):
    with pytest.raises(HeadInvalid, match=said) as caught:
        hifi3d.load(written(tmp_path / "HIFI3D++.mat", **changes))
    assert "HIFI3D++.mat" in str(caught.value)


def test_a_missing_member_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("AI-NExT-Albedo-Global.mat", b"")
    for place in (tmp_path / "a.zip", tmp_path):
        with pytest.raises(HeadInvalid, match=r"lacks HIFI3D\+\+\.mat; the archive holds AI-NExT-Albedo-Global\.mat"):
            hifi3d.load(place)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(HeadInvalid, match=r"lacks HIFI3D\+\+\.mat"):
        hifi3d.load(tmp_path)


@pytest.mark.parametrize("name", ["HIFI3D++.mat", "HIFI3D++.zip"])
def test_a_download_that_stopped_is_refused(tmp_path, name):
    if name.endswith("zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("HIFI3D++.mat", mat(structure()))
    else:
        written(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HeadInvalid, match=r"HIFI3D\+\+"):
        hifi3d.load(tmp_path / name)
