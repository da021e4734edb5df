"""Face folders and head files on the add-on's side, without Blender."""

import io
import zipfile

import numpy as np
import pytest

from addon.link.bundle import errors
from addon.session import face as session_face
from addon.session.head import find_head, read_head, to_blender
from backend.face import saved
from tests.backend.conftest import ANNY
from tests.toys import toy_face, toy_topology, write_head


def zip_of(files: dict[str, bytes]) -> bytes:
    """All files as one zip."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()


@pytest.fixture
def folder(tmp_path):
    return saved.save(toy_face(), tmp_path / "face")


def zipped(name, content=b"x"):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return made.getvalue()


def test_a_face_in_memory_is_its_folder_to_the_byte_with_the_backends_id(folder, tmp_path):
    face = session_face.read_face(folder)
    again = session_face.write_files(face.files, tmp_path / "again")
    files = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files == {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()}
    assert session_face.identify(face.files) == face.document["id"] == saved.identify(folder)


def test_a_zip_of_a_face_comes_back_to_the_byte(folder):
    files = session_face.read_files(folder)
    assert session_face.unzip(zip_of(files), "the zip") == files


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/out", "C:\\out", "..\\out", "C:out"])
def test_a_face_cannot_write_elsewhere(name, tmp_path):
    with pytest.raises(errors.FaceInvalid, match="damaged"):
        session_face.unzip(zipped(name), "the zip")
    with pytest.raises(errors.FaceInvalid, match="called"):
        session_face.write_files({name: b"x"}, tmp_path / "in" / "face")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("broken", [b"", b"PK", b"\0" * 100])
def test_bytes_that_are_no_zip_are_refused(broken):
    with pytest.raises(errors.FaceInvalid):
        session_face.unzip(broken, "the zip")


def test_a_damaged_member_is_refused(folder):
    packed = bytearray(zip_of(session_face.read_files(folder)))
    packed[200] ^= 0xFF
    with pytest.raises(errors.FaceInvalid, match="CRC"):
        session_face.unzip(bytes(packed), "the zip")


def test_a_face_that_would_fill_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(session_face, "SIZE_LIMIT", 1000)
    with pytest.raises(errors.FaceInvalid, match="far too large"):
        session_face.unzip(zipped("a", bytes(2000)), "the zip")


def test_a_mesh_with_no_numbers_in_it_is_refused(folder):
    with np.load(folder / "mesh.npz") as arrays:
        vertices, expressions = arrays["vertices"], arrays["expressions"]
    vertices[3] = np.nan
    np.savez(folder / "mesh.npz", vertices=vertices, expressions=expressions)
    with pytest.raises(errors.FaceInvalid, match="no numbers"):
        session_face.read_face(folder)


def test_a_head_file_reads_as_it_was_written(tmp_path):
    write_head(toy_topology(), tmp_path / "heads" / "toy.npz")
    head, topology = find_head("toy", [tmp_path / "nowhere", tmp_path / "heads"]), toy_topology()
    np.testing.assert_array_equal(head.rest, topology.rest)
    np.testing.assert_array_equal(head.uv_quads, topology.uv_quads)
    assert head.lone.shape == head.uv_lone.shape == (0, 3)
    assert (head.name, head.topology_id) == ("toy", topology.topology_id)
    assert head.expression_names == topology.expression_names


def test_a_head_that_is_not_there_is_named_with_the_places_looked_in(tmp_path):
    with pytest.raises(errors.CheckpointMissing, match=r"'flame' is not in .*heads"):
        find_head("flame", [tmp_path / "heads"])


def test_a_head_name_cannot_lead_out_of_its_folder(tmp_path):
    write_head(toy_topology(), tmp_path / "heads" / "toy.npz")
    (tmp_path / "other").mkdir()
    with pytest.raises(errors.CheckpointMissing):
        find_head("../heads/toy", [tmp_path / "other"])


def test_a_file_that_is_no_head_is_refused(tmp_path):
    (tmp_path / "toy.npz").write_bytes(b"PK")
    with pytest.raises(errors.HeadInvalid, match=r"toy\.npz"):
        read_head(tmp_path / "toy.npz")


def test_the_face_looks_along_minus_y_and_up_is_z():
    nose, crown, viewers_right = np.eye(3, dtype=np.float32)[[2, 1, 0]]
    np.testing.assert_allclose(to_blender(nose, 0.1), [0, -0.1, 0])
    np.testing.assert_allclose(to_blender(crown, 0.1), [0, 0, 0.1])
    np.testing.assert_allclose(to_blender(viewers_right, 0.1), [0.1, 0, 0])


def test_sliders_that_move_nothing_of_the_head_are_known():
    anny = read_head(ANNY)
    assert anny.sliders.still == {"cupsize", "firmness"}
