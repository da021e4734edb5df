"""What other programs left becomes a face: FaceG2E's results on a small HIFI3D++, an OBJ and a picture on Anny."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend import jobs
from backend.errors import HeadMissing, ImportInvalid
from backend.face import hifi3d, obj, saved
from backend.face.foreign import find_result, placed, texture_corners
from backend.workshop import close_workshop, open_workshop
from tests.backend.face import test_hifi3d

QUIET = {"emit": lambda event: None, "cancelled": lambda: False}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEWRIGHT_HOME", str(tmp_path / "home"))
    close_workshop()
    return tmp_path / "home"


@pytest.fixture
def model(home: Path) -> Path:
    (home / "ckpts").mkdir(parents=True)
    return test_hifi3d.written(home / "ckpts" / "HIFI3D++.mat", keypoints=None)


def picture(path: Path, size: int = 64) -> np.ndarray:
    texels = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    Image.fromarray(texels).save(path)
    return texels


def experiment(folder: Path, with_picture: bool) -> np.ndarray:
    """FaceG2E's folders: a geometry stage, and a texture stage that repeats the shape."""
    shape, texture = (
        folder / "an old man" / "geometry" / "seed42",
        folder / "an old man" / "texture" / "seed42" / "latent",
    )
    for place in (shape, texture):
        place.mkdir(parents=True)
    coefficients = np.random.default_rng(0).standard_normal((1, 6)).astype(np.float32)
    np.save(shape / "200_coeff.npy", coefficients)
    for step in (40, 400):
        np.save(texture / f"{step}_coeff.npy", coefficients * (step == 400))
        np.save(texture / f"{step}_diffuse_latent.npy", np.zeros((1, 4, 64, 64), np.float32))
    if with_picture:
        picture(texture / "400_diffuse.png")
    return coefficients[0]


@pytest.mark.parametrize("with_picture", [True, False])
def test_an_experiment_of_faceg2e_becomes_a_face(model: Path, tmp_path: Path, with_picture: bool):
    identity = experiment(tmp_path / "exp", with_picture)
    told = jobs.import_face(source=tmp_path / "exp", out=tmp_path / "face", **QUIET)
    face = saved.load(tmp_path / "face")
    assert (face.kind, face.head, face.licences) == ("import", "hifi3d", {"hifi3d": "LicenseRef-HIFI3D-research-only"})
    assert np.array_equal(face.identity, identity)
    expected = hifi3d.load(model).vertices(identity=open_workshop("hifi3d").model.rest.new_tensor(identity)[None])
    np.testing.assert_allclose(saved.vertices(face), expected[0], atol=1e-5)
    if with_picture:
        assert np.array_equal(saved.albedo(face), picture(tmp_path / "again.png"))
    else:
        assert told["albedo"] == face.metrics["albedo"]
        assert told["albedo"].startswith("not decoded: the latent needs")


def test_one_file_stands_for_its_result(model: Path, tmp_path: Path):
    identity = experiment(tmp_path / "exp", with_picture=False)
    for number, file in enumerate((tmp_path / "exp").rglob("*_coeff.npy")):
        jobs.import_face(source=file, out=tmp_path / f"face{number}", **QUIET)
    assert np.array_equal(saved.load(tmp_path / "face0").identity, identity)


def test_the_head_of_faceg2e_is_asked_for_with_what_to_get(tmp_path: Path):
    experiment(tmp_path / "exp", with_picture=False)
    with pytest.raises(HeadMissing) as caught:
        jobs.import_face(source=tmp_path / "exp", out=tmp_path / "face", **QUIET)
    assert "REALY" in caught.value.advice
    assert not (tmp_path / "face").exists()


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((1, 7), np.float32), "float32 1 × 7, expected float 1 × 6"),
        (np.zeros((1, 6), np.int64), "int64 1 × 6, expected float 1 × 6"),
        (np.full((1, 6), np.nan, np.float32), "6 values are no numbers"),
        (np.array([[{}] * 6]), "cannot be read as .npy"),
        (None, "cannot be read as .npy"),
    ],
)
def test_bad_coefficients_are_refused_and_nothing_is_written(model: Path, tmp_path: Path, array, said: str):
    file = tmp_path / "40_coeff.npy"
    if array is None:
        file.write_bytes(b"\x93NUMPY")
    else:
        np.save(file, array, allow_pickle=True)
    with pytest.raises(ImportInvalid, match=said) as caught:
        jobs.import_face(source=file, out=tmp_path / "face", **QUIET)
    assert str(file) in caught.value.message
    assert not [path for path in tmp_path.iterdir() if "face" in path.name]


def test_a_latent_alone_cannot_be_decoded_and_says_so(model: Path, tmp_path: Path):
    np.save(tmp_path / "40_diffuse_latent.npy", np.zeros((1, 4, 64, 64), np.float32))
    with pytest.raises(ImportInvalid, match="needs the autoencoder"):
        jobs.import_face(source=tmp_path / "40_diffuse_latent.npy", out=tmp_path / "face", **QUIET)


def test_several_results_must_be_told_apart(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "40_coeff.npy", np.zeros((1, 6), np.float32))
    with pytest.raises(ImportInvalid, match="none as results"):
        find_result(tmp_path)
    with pytest.raises(ImportInvalid, match=r"mine\.npy is none of FaceG2E's files"):
        find_result(tmp_path / "mine.npy")


def test_a_picture_dresses_the_mean_head_or_a_face(tmp_path: Path):
    texels = picture(tmp_path / "skin.png", 128)
    jobs.import_face(source=tmp_path / "skin.png", out=tmp_path / "one", **QUIET)
    one = saved.load(tmp_path / "one")
    assert (one.head, one.metrics) == ("anny", {"imported": "skin.png", "albedo": "taken over"})
    assert np.array_equal(saved.albedo(one), texels)
    Image.fromarray(texels[::-1].copy()).save(tmp_path / "other.png")
    jobs.import_face(source=tmp_path / "other.png", out=tmp_path / "two", parent=tmp_path / "one", **QUIET)
    two = saved.load(tmp_path / "two")
    assert two.parent == saved.read_document(tmp_path / "one")["id"]
    assert np.array_equal(saved.vertices(two), saved.vertices(one))
    assert np.array_equal(saved.albedo(two), texels[::-1])


def test_an_exported_head_comes_back(tmp_path: Path):
    picture(tmp_path / "skin.png", 128)
    jobs.import_face(source=tmp_path / "skin.png", out=tmp_path / "one", **QUIET)
    jobs.export(face=tmp_path / "one", out=tmp_path / "head.obj", **QUIET)
    told = jobs.import_face(source=tmp_path / "head.obj", out=tmp_path / "two", **QUIET)
    one, two = saved.load(tmp_path / "one"), saved.load(tmp_path / "two")
    assert told["albedo"] == "taken over"
    np.testing.assert_allclose(saved.vertices(two), saved.vertices(one), atol=1e-5)
    assert np.array_equal(saved.albedo(two), saved.albedo(one))


def test_an_obj_in_other_units_and_another_pose_is_laid_back(head):
    rest = head.topology.rest.astype(np.float64)
    np.testing.assert_allclose(placed(rest * head.topology.metres_per_unit * 100, head.topology), rest, atol=1e-5)
    turned = rest[:, [2, 1, 0]] * [1, 1, -1] * 7 + 3
    np.testing.assert_allclose(placed(turned, head.topology), rest, atol=1e-4)


def test_triangles_are_found_whatever_their_order(head):
    topology = head.topology
    order = np.random.default_rng(0).permutation(len(topology.faces))
    shuffled, uv_shuffled = (np.roll(array[order], 1, axis=1) for array in (topology.faces, topology.uv_faces))
    padded = [np.pad(array, ((0, 0), (0, 1)), constant_values=-1) for array in (shuffled, uv_shuffled)]
    mesh = obj.Obj(topology.rest.astype(float), topology.uvs.astype(float), *padded)
    corners = texture_corners(mesh, topology)
    assert corners is not None
    assert np.array_equal(corners, topology.uv_faces)
    few = obj.Obj(mesh.vertices, mesh.uvs, mesh.polygons[:50], mesh.uv_polygons[:50])
    assert texture_corners(few, topology) is None


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("head.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "has 3 vertices, expected the 5218 of anny"),
        ("skin.png", b"\x89PNG\r\n", "cannot be read as PNG"),
        ("cut.obj", b"v 0 0 0\nv 1 0 0\nv 0 1\nf 1 2 3\n", r"cut\.obj"),
        ("head.fbx", b"Kaydara", "is .fbx, expected a FaceG2E folder"),
        ("wide.png", None, "is 32 × 16, expected a square"),
    ],
)
def test_what_is_none_of_these_is_refused(tmp_path: Path, name: str, content: bytes | None, said: str):
    if content is None:
        Image.new("RGB", (32, 16)).save(tmp_path / name)
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ImportInvalid, match=said):
        jobs.import_face(source=tmp_path / name, out=tmp_path / "face", **QUIET)
    assert not (tmp_path / "face").exists()


def test_a_path_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ImportInvalid, match=r"absent\.obj is not there"):
        jobs.import_face(source=tmp_path / "absent.obj", out=tmp_path / "face", **QUIET)
