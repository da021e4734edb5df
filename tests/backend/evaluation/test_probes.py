"""Where heads lie on the axes of the language."""

import random

import numpy as np
import pytest
import torch

from backend import checkpoints
from backend.evaluation.probes import Judge, displacements, without_size
from backend.face import anny
from backend.language import SHAPES, Person
from backend.training.people import same_size, sliders_of

AXES = [axis.sliders for axis in SHAPES]


@pytest.fixture(scope="module")
def model():
    return anny.load(checkpoints.find("starter/anny.npz"))


@pytest.fixture(scope="module")
def judge(model):
    return Judge.of(model, AXES)


@pytest.mark.parametrize("row", range(len(SHAPES)), ids=[axis.name for axis in SHAPES])
def test_a_head_moved_along_one_axis_is_found_there(model, judge, row: int):
    moved = model.rest + 0.7 * without_size(displacements(model, AXES), model.rest)[row].view(-1, 3)
    found = judge.positions(moved)
    assert found[row] == pytest.approx(0.7, abs=0.15)
    assert torch.cat([found[:row], found[row + 1 :]]).abs().max() < 0.35


def test_growing_a_head_moves_it_along_no_axis_far(model, judge):
    assert judge.positions(model.rest * 1.02 + 0.2).abs().max() < 0.25


def test_the_mean_head_is_the_middle_of_every_axis(model, judge):
    assert judge.positions(model.rest).abs().max() == 0


def test_axes_are_told_apart_on_heads_that_differ_in_all_of_them(model, judge):
    rng = random.Random(3)
    people = [Person({axis.name: rng.uniform(-1, 1) for axis in SHAPES}) for _ in range(120)]
    truth = np.array([[person.shape[axis.name] for axis in SHAPES] for person in people])
    heads = [
        same_size(model.vertices(sliders=sliders_of(model, person, n)), model.rest) for n, person in enumerate(people)
    ]
    told = np.stack([judge.positions(head[0]).numpy() for head in heads])
    agreement = [np.corrcoef(truth[:, row], told[:, row])[0, 1] for row in range(len(SHAPES))]
    assert np.mean(agreement) > 0.88, dict(zip([axis.name for axis in SHAPES], agreement, strict=True))
    assert min(agreement) > 0.7, dict(zip([axis.name for axis in SHAPES], agreement, strict=True))


# What a word says of a face, where that has a number: the axis, the measure, and whether the word raises it.
SAID = [
    ("nose_length", "nose length", 1), ("nose_width", "nose width", 1), ("chin_width", "chin width", 1),
    ("chin_length", "lower face height", 1), ("jaw_width", "jaw angle", -1), ("lip_volume", "mouth height", 1),
    ("mouth_width", "mouth width", 1), ("eye_size", "eye height", 1), ("eye_spacing", "eye distance", 1),
    ("eye_slant", "eye slant", 1), ("forehead", "forehead height", 1), ("ear_size", "ear height", 1),
    ("ears_out", "ear spread", 1), ("face_length", "face width", -1), ("neck", "neck width", 1),
    ("weight", "jaw width", 1), ("cheeks", "jaw width", 1), ("brow_ridge", "brow prominence", 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "measure", "sign"), SAID)
def test_a_word_moves_the_measure_it_speaks_of(model, judge, name: str, measure: str, sign: int):
    row, place = [axis.name for axis in SHAPES].index(name), judge.measure_index(measure)
    ends = torch.stack([model.rest + way * judge.fields[row].view(-1, 3) for way in (-1.0, 1.0)])
    low, high = judge.scores(ends)[:, place].tolist()
    assert sign * (high - low) > 0.5
