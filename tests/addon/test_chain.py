"""Faces and the faces they were made of, found in folders and zips."""

import json
import zipfile
from dataclasses import replace

import pytest

from addon.link.bundle import errors
from addon.session.chain import find_faces
from backend.face import saved
from tests.toys import toy_face


@pytest.fixture
def chain(tmp_path):
    """Three faces, each made of the one before, in folders whose names are in another order."""
    parent, folders = None, []
    for index, name in enumerate(("c", "a", "b")):
        face = replace(toy_face(seed=index), prompt=name, parent=parent)
        folders.append(saved.save(face, tmp_path / "faces" / name))
        parent = json.loads((folders[-1] / "face.json").read_text())["id"]
    return folders


def prompts(faces):
    return [face.document["prompt"] for face in faces]


def test_a_folder_of_faces_comes_parents_first(chain):
    assert prompts(find_faces(chain[0].parent)) == ["c", "a", "b"]


def test_one_face_brings_its_parents_or_not(chain):
    assert prompts(find_faces(chain[1])) == ["c", "a"]
    assert prompts(find_faces(chain[1] / "face.json", with_parents=False)) == ["a"]


def test_a_zip_of_the_chain_is_the_same_chain(chain, tmp_path):
    packed = tmp_path / "chain.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(chain[0].parent.rglob("*")):
            archive.write(path, path.relative_to(tmp_path))
    assert prompts(find_faces(packed)) == ["c", "a", "b"]
    assert find_faces(packed)[0].files == find_faces(chain[0])[0].files


def test_where_no_face_is_the_error_says_what_to_choose(tmp_path):
    with pytest.raises(errors.FaceMissing, match="holds no face"):
        find_faces(tmp_path)
