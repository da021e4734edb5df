from pathlib import Path

import numpy as np
import pytest

from backend.errors import HeadInvalid
from backend.face import obj

TEXT = """# a square and a triangle
mtllib m.mtl
v 0 0 0
v 1 0 0
v 1 1 0 0.5 0.5 0.5
v 0 1 0
v 2 0.5 1e-1
vt 0 0
vt 1 0
vt 1 1 0
vn 0 0 1
usemtl skin
f 2/2 5/3 3/1
f 1/1/1 2/2/1 3/3/1 4/1/1
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mesh.obj"
    path.write_text(text)
    return path


def test_a_mesh_is_what_the_file_says(tmp_path):
    mesh = obj.read(written(tmp_path, TEXT))
    assert mesh.vertices[2].tolist() == [1, 1, 0]
    assert mesh.vertices[4].tolist() == [2, 0.5, 0.1]
    assert mesh.uvs.tolist() == [[0, 0], [1, 0], [1, 1]]
    assert mesh.polygons.tolist() == [[1, 4, 2, -1], [0, 1, 2, 3]]
    assert mesh.uv_polygons.tolist() == [[1, 2, 0, -1], [0, 1, 2, 0]]


def test_quads_come_first_and_triangles_know_their_polygon(tmp_path):
    faces, uv_faces, polygons, quads = obj.read(written(tmp_path, TEXT)).triangles()
    assert faces.tolist() == [[0, 1, 2], [0, 2, 3], [1, 4, 2]]
    assert uv_faces.tolist() == [[0, 1, 2], [0, 2, 0], [1, 2, 0]]
    assert (polygons.tolist(), quads) == ([1, 1, 0], 1)


@pytest.mark.parametrize("corners", ["1 2 3", "1//1 2//1 3//1"])
def test_faces_may_have_no_texture_coordinates(tmp_path, corners):
    mesh = obj.read(written(tmp_path, TEXT.replace("f 2/2 5/3 3/1", f"f {corners}")))
    assert mesh.uv_polygons[0].tolist() == [-1] * 4


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("v 1 0 0", "v 1 0", "a line 'v' without 3 numbers"),
        ("v 1 0 0", "v 1 zero 0", "a line 'v' without 3 numbers"),
        ("v 1 0 0", "v 1 nan 0", "v number 1 is"),
        ("vt 1 0", "vt 1", "a line 'vt' without 2 numbers"),
        ("5/3", "6/3", "a vertex beyond the 5"),
        ("5/3", "0/3", "a vertex beyond the 5"),
        ("5/3", "5/4", "a vt beyond the 3"),
        ("5/3", "5", "a vt beyond the 3"),
        ("5/3", "5/x", "is no face"),
        ("f 2/2 5/3 3/1", "f 2/2 5/3", "a face of 2 corners, expected 3 or 4"),
        ("f 2/2", "f 1/1 4/1 2/2", "a face of 5 corners"),
    ],
)
def test_a_damaged_file_is_refused_with_what_was_found(tmp_path, old, new, said):
    with pytest.raises(HeadInvalid, match=said) as caught:
        obj.read(written(tmp_path, TEXT.replace(old, new, 1)))
    assert "mesh.obj" in str(caught.value)
    assert caught.value.advice


def test_vertices_alone_are_counted(tmp_path):
    path = written(tmp_path, TEXT)
    assert np.array_equal(obj.read_vertices(path, 5), obj.read(path).vertices)
    with pytest.raises(HeadInvalid, match="has 5 vertices, expected 6"):
        obj.read_vertices(path, 6)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00v"])
def test_a_file_that_is_no_text_is_refused(tmp_path, content):
    if content:
        (tmp_path / "mesh.obj").write_bytes(content)
    with pytest.raises(HeadInvalid, match=r"mesh\.obj cannot be read"):
        obj.read(tmp_path / "mesh.obj")


def test_an_empty_file_has_no_vertices(tmp_path):
    with pytest.raises(HeadInvalid, match="has 0 vertices, expected 5"):
        obj.read_vertices(written(tmp_path, ""), 5)
