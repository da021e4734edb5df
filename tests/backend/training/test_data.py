import json
import random
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import DiskFull, TrainingSetInvalid
from backend.language import CLAY, PHOTO, caption, draw_person, words
from backend.router import route
from backend.training.data import (
    VIEWS,
    make_changes,
    make_pictures,
    mark_parts,
    person_of,
    read_parts,
    read_set,
    to_bytes,
    to_network,
)

HEADS = 2


@pytest.fixture(scope="module")
def pictures(studio, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    make_pictures(studio, HEADS, 1, folder)
    return np.load(folder / "pictures.npy"), json.loads((folder / "captions.json").read_text())


@pytest.fixture(scope="module")
def changes(studio, tmp_path_factory):
    folder = tmp_path_factory.mktemp("changes")
    make_changes(studio, HEADS, 2, folder)
    return np.load(folder / "pictures.npy"), json.loads((folder / "captions.json").read_text())


def is_grey(picture: np.ndarray) -> bool:
    return bool((picture[0] == picture[1]).all() and (picture[1] == picture[2]).all())


def test_each_head_is_seen_in_clay_and_then_in_colour(pictures):
    shown, persons = pictures
    assert shown.shape == (HEADS * 2 * VIEWS, 3, 128, 128)
    assert len(persons) == HEADS
    for number, picture in enumerate(shown):
        clay = number % (2 * VIEWS) < VIEWS
        assert is_grey(picture) == clay
        assert picture.std() > 10
        text = caption(person_of(persons[number // (2 * VIEWS)]), random.Random(number), CLAY if clay else PHOTO)
        assert set(re.findall("[a-z]+", text)) <= set(words())


def test_before_and_after_share_their_view(changes):
    """A grey pair and a coloured one a head, with an instruction each; colours leave the outline as it is."""
    shown, records = changes
    assert len(records) == len(shown) // 2 == HEADS * 2
    for number, (before, after) in enumerate(shown.reshape(-1, 2, 3, 128, 128)):
        assert is_grey(before) == is_grey(after) == (number % 2 == 0)
        empty = [(picture == 128).all(axis=0) for picture in (before, after)]
        assert (empty[0] == empty[1]).mean() > (0.9 if number % 2 == 0 else 0.999)
        assert set(re.findall("[a-z]+", records[number]["instruction"])) <= set(words())
        before, after = (person_of(records[number][when]) for when in ("before", "after"))
        assert (before.look == after.look) == (number % 2 == 0)


def test_a_person_comes_back_from_json():
    person = draw_person(random.Random(3))
    assert person_of(json.loads(json.dumps(asdict(person)))) == person


def test_pictures_go_to_bytes_and_to_the_networks_range():
    images = torch.linspace(-0.1, 1.1, 3 * 64).view(1, 3, 8, 8)
    stored = to_bytes(images)
    assert stored.dtype == np.uint8
    assert (stored.min(), stored.max()) == (0, 255)
    torch.testing.assert_close(to_network(stored), images.clamp(0, 1) * 2 - 1, atol=1 / 255, rtol=0)
    assert to_network(np.array([[[[0, 255]]]], np.uint8)).flatten().tolist() == [-1, 1]


def test_a_set_reads_back(studio, tmp_path):
    make_pictures(studio, 1, 1, tmp_path / "pictures")
    make_changes(studio, 1, 1, tmp_path / "changes")
    shown, persons = read_set(tmp_path / "pictures")
    assert len(shown) == 2 * VIEWS * len(persons)
    pairs, records = read_set(tmp_path / "changes")
    assert len(pairs) == 2 * len(records)
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["captions.json", "pictures.npy"]


@pytest.mark.parametrize("what", ["absent", "truncated", "words cut", "too few", "of an older language"])
def test_a_spoilt_set_is_refused_with_what_to_do(studio, tmp_path, what):
    folder = tmp_path / "pictures"
    make_pictures(studio, 1, 1, folder)
    words_file, pictures_file = folder / "captions.json", folder / "pictures.npy"
    records = json.loads(words_file.read_text())
    if what == "absent":
        pictures_file.unlink()
    elif what == "truncated":
        pictures_file.write_bytes(pictures_file.read_bytes()[:-100])
    elif what == "words cut":
        words_file.write_text(words_file.read_text()[:-5])
    elif what == "too few":
        words_file.write_text(json.dumps(records * 2))
    else:
        records[0]["look"]["monocle"] = True
        words_file.write_text(json.dumps(records))
    with pytest.raises(TrainingSetInvalid, match="pictures is no whole training set") as caught:
        read_set(folder)
    assert "delete" in caught.value.advice


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_named_and_leaves_no_set(studio, tmp_path):
    (tmp_path / ".pictures.npy.partial").symlink_to("/dev/full")
    with pytest.raises(DiskFull):
        make_pictures(studio, 2, 1, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_seed_says_which_set(studio, pictures, tmp_path):
    make_pictures(studio, 1, 1, tmp_path / "again")
    assert np.array_equal(np.load(tmp_path / "again" / "pictures.npy"), pictures[0][: 2 * VIEWS])


def test_marks_lie_where_the_named_part_changed(studio, tmp_path):
    """Of twelve pairs: a third or more of what a colour did to a small part lies in the squares that are marked."""
    make_changes(studio, 12, 7, tmp_path)
    mark_parts(studio, 7, tmp_path)
    shown, records = read_set(tmp_path)
    marks = read_parts(tmp_path, len(records))
    assert marks.shape == (24, 16, 16)
    assert not (marks[[not route(record["instruction"]).region for record in records]] > 0).any()
    small, seen = ("lips", "brows", "eyes", "blush", "mask", "beard", "moustache"), 0
    for number in range(1, 24, 2):
        before, after = (person_of(records[number][when]).look for when in ("before", "after"))
        if [name for name in small if getattr(before, name) != getattr(after, name)]:
            first, second = shown[2 * number : 2 * number + 2].astype(float)
            change = torch.from_numpy(np.abs(second - first).mean(0)).view(16, 8, 16, 8).mean((1, 3))
            mark = marks[number]
            assert (change * (mark > 0)).sum() > 0.33 * change.sum(), records[number]["instruction"]
            seen += 1
    assert seen > 2


def test_marks_of_another_seed_or_another_set_are_refused(studio, tmp_path):
    make_changes(studio, 1, 1, tmp_path)
    with pytest.raises(TrainingSetInvalid, match="holds other changes"):
        mark_parts(studio, 2, tmp_path)
    with pytest.raises(TrainingSetInvalid, match="does not tell where") as caught:
        read_parts(tmp_path, 2)
    assert "parts.npy" in caught.value.advice
    mark_parts(studio, 1, tmp_path)
    with pytest.raises(TrainingSetInvalid, match="does not tell where"):
        read_parts(tmp_path, 4)
