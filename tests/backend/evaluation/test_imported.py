"""FaceG2E's results beside ours: the same probes on other heads, and a word where they cannot judge."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend import jobs
from backend.errors import UsageError
from backend.evaluation.appearance import painted
from backend.evaluation.evaluating import Asked, evaluate
from backend.evaluation.imported import Imported, digest, those_with_a_face, unmeasurable
from backend.evaluation.items import FOLDER, read
from backend.evaluation.journal import Journal
from backend.evaluation.keys import keys
from backend.evaluation.lab import Gauges, Lab
from backend.face import saved
from backend.language import THING
from backend.settings import RECOMMENDED
from backend.training.canvas import Canvas
from backend.workshop import close_workshop, open_workshop
from tests.backend.face import test_hifi3d

QUIET = {"emit": lambda event: None, "cancelled": lambda: False}
STARTER = read(FOLDER / "starter.jsonl")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEWRIGHT_HOME", str(tmp_path / "home"))
    close_workshop()
    return tmp_path / "home"


def result(folder: Path, texels: np.ndarray | None = None, identity: int = 6) -> None:
    """As FaceG2E leaves one."""
    folder.mkdir(parents=True)
    np.save(folder / "200_coeff.npy", np.full((1, identity), 0.5, np.float32))
    if texels is not None:
        Image.fromarray(texels).save(folder / "200_diffuse.png")


def judged(tmp_path: Path, folder: Path):
    told: dict[str, str] = {}
    journal = Journal(tmp_path / "out", {})
    found = Imported(folder, tmp_path / "out", None, journal, told).judged(those_with_a_face(STARTER, folder))
    return found, told, journal


def dressed(tmp_path: Path, place: Path, texels: np.ndarray) -> None:
    """A face of the embedded head with that texture."""
    Image.fromarray(texels).save(tmp_path / "skin.png")
    place.parent.mkdir(parents=True, exist_ok=True)
    jobs.import_face(source=tmp_path / "skin.png", out=place, **QUIET)


def with_lips(colour: str) -> np.ndarray:
    shop = open_workshop()
    texels = shop.albedo.copy()
    texels[painted(Canvas.of(shop.model.topology, len(texels)), THING["lips"])] = THING["lips"].colours[colour]
    return texels


def test_faces_with_landmarks_are_measured_as_ours_are(tmp_path: Path):
    folder, red = tmp_path / "theirs", with_lips("red")
    dressed(tmp_path, folder / "make his lips red" / "before", open_workshop().albedo)
    dressed(tmp_path, folder / "make his lips red" / "after", red)
    (folder / "nose_length+").symlink_to(folder / "make his lips red" / "after")
    found, told, _ = judged(tmp_path, folder)
    assert told == {}
    (edit,), (shape,) = found.edits, found.shape
    assert edit["landed"]
    assert edit["texels_outside"] == (red != open_workshop().albedo).any(axis=2).sum()
    assert edit["leak_delta_e"] < 0.5
    assert (shape["moved"], shape["right_way"]) == (0, False)
    told_keys = keys(found)
    assert told_keys["seconds_per_edit"].value is None
    assert told_keys["edit_success"].value == 1
    assert all((tmp_path / "out" / row["picture"]).is_file() for row in (edit, shape))


def test_a_result_of_faceg2e_is_imported_and_a_head_without_landmarks_is_only_shown(home: Path, tmp_path: Path):
    (home / "ckpts").mkdir(parents=True)
    test_hifi3d.written(home / "ckpts" / "HIFI3D++.mat", keypoints=None)
    texels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    result(tmp_path / "theirs" / "nose_length+", texels)
    result(tmp_path / "theirs" / "nose_length-", identity=7)
    found, told, journal = judged(tmp_path, tmp_path / "theirs")
    (row,) = found.shape
    assert "no landmarks" in told["imported: nose_length+"]
    assert (tmp_path / "out" / row["picture"]).is_file()
    assert "expected float 1 × 6" in journal.failed["imported | shape | nose_length-"]
    assert keys(found)["attribute_right_way"].value is None


def test_colours_of_a_result_without_a_texture_are_not_judged(tmp_path: Path):
    dressed(tmp_path, tmp_path / "face", open_workshop().albedo)
    face, lab = saved.load(tmp_path / "face"), Lab(open_workshop(), RECOMMENDED, tmp_path, Gauges(open_workshop()))
    bare = replace(face, metrics={"albedo": "not decoded"})
    colour, shape = STARTER.of("colour")[0], STARTER.of("shape")[0]
    assert "the head's own (not decoded)" in unmeasurable(lab, colour, bare)
    assert unmeasurable(lab, shape, bare) == ""


def test_without_the_family_of_the_items_theirs_alone_are_in_the_report(home: Path, tmp_path: Path):
    (home / "ckpts").mkdir(parents=True)
    test_hifi3d.written(home / "ckpts" / "HIFI3D++.mat", keypoints=None)
    items = tmp_path / "some.jsonl"
    lines = [{"family": "full"}, {"id": "Hulk", "kind": "both", "prompt": "a DSLR photo of Hulk"}]
    items.write_text("\n".join(map(json.dumps, lines)))
    result(tmp_path / "theirs" / "Hulk")
    report = evaluate(Asked(tmp_path / "out", str(items), imported=tmp_path / "theirs"), lambda event: None)
    assert "full family" in report.skipped["some"]
    assert [row["id"] for row in report.rows["imported"].both] == ["Hulk"]
    assert report.keys["imported"]["three_attributes_right"].value is None
    page = (tmp_path / "out" / "report.html").read_text()
    assert "a DSLR photo of Hulk" in page
    assert "only shown" in page


def test_a_folder_of_other_names_is_refused_and_one_that_changed_is_another_run(tmp_path: Path):
    (tmp_path / "theirs" / "mine").mkdir(parents=True)
    with pytest.raises(UsageError, match="holds no folder with the name of an item"):
        those_with_a_face(STARTER, tmp_path / "theirs")
    before = digest(tmp_path)
    (tmp_path / "theirs" / "mine" / "a.npy").write_bytes(b"1")
    assert digest(tmp_path) != before
