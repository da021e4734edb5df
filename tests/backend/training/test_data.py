import json
import random
import re
from dataclasses import asdict

import numpy as np
import pytest
import torch

from backend.language import draw_person, words
from backend.training.data import (
    CLAY,
    PHOTO,
    VIEWS,
    caption_of,
    make_changes,
    make_pictures,
    person_of,
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
        caption = caption_of(persons, number, random.Random(number))
        assert caption.startswith(CLAY if clay else PHOTO)
        assert set(re.findall("[a-z]+", caption)) <= set(words())


def test_before_and_after_share_their_view(changes):
    """A grey pair and a coloured one a head, with an instruction each; colours leave the outline as it is."""
    shown, instructions = changes
    assert len(instructions) == len(shown) // 2 == HEADS * 2
    for number, (before, after) in enumerate(shown.reshape(-1, 2, 3, 128, 128)):
        assert is_grey(before) == is_grey(after) == (number % 2 == 0)
        empty = [(picture == 128).all(axis=0) for picture in (before, after)]
        assert (empty[0] == empty[1]).mean() > (0.9 if number % 2 == 0 else 0.999)
        assert set(re.findall("[a-z]+", instructions[number])) <= set(words())


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


def test_the_seed_says_which_set(studio, pictures, tmp_path):
    make_pictures(studio, 1, 1, tmp_path / "again")
    assert np.array_equal(np.load(tmp_path / "again" / "pictures.npy"), pictures[0][: 2 * VIEWS])
