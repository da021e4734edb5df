"""Distances and angles of a face."""

from dataclasses import replace

import pytest
import torch

from backend import checkpoints
from backend.evaluation.measures import MEASURES, NAMES, Norms, Points, measured
from backend.face import anny
from tests.toys import toy_topology


@pytest.fixture(scope="module")
def model():
    return anny.load(checkpoints.find("starter/anny.npz"))


@pytest.fixture(scope="module")
def points(model):
    return Points.of(model.topology)


def found(points: Points, vertices: torch.Tensor) -> dict[str, float]:
    return dict(zip(NAMES, measured(points, vertices[None])[0].tolist(), strict=True))


def moved_by(model, slider: str, value: float) -> torch.Tensor:
    sliders = model.slider_defaults[None].clone()
    sliders[0, model.slider_names.index(slider)] = value
    return model.vertices(sliders=sliders)[0]


def test_the_mean_head_has_the_sizes_of_a_head(points, model):
    face = found(points, model.rest)
    # Farkas, Anthropometry of the Head and Face (1994), adults of both sexes, with room for a mesh without hair.
    for name, low, high in (
        ("head height", 210, 260),
        ("face width", 125, 160),
        ("nose length", 42, 58),
        ("nose width", 28, 42),
        ("mouth width", 42, 60),
        ("eye width", 24, 34),
        ("eye distance", 56, 72),
        ("ear height", 52, 80),
    ):
        assert low < face[name] < high, (name, face[name])


def test_growing_a_head_grows_distances_and_leaves_angles(points, model):
    before, after = found(points, model.rest), found(points, model.rest * 1.1)
    for measure in MEASURES:
        grown = before[measure.name] * (1.0 if measure.unit == "°" else 1.1)
        assert after[measure.name] == pytest.approx(grown, rel=1e-4, abs=0.01), measure.name


def test_a_mirrored_head_measures_the_same(points, model):
    for name in ("nose-scale-horiz-incr", "ear-scale-incr", "mouth-angles-up"):
        one = found(points, moved_by(model, name, 0.8))
        other = found(
            points,
            moved_by(model, name, 0.8)[torch.from_numpy(model.topology.mirror).long()] * torch.tensor([-1.0, 1.0, 1.0]),
        )
        assert other == pytest.approx(one, abs=0.6)


@pytest.mark.parametrize(
    ("slider", "measure"),
    [
        ("nose-scale-horiz-incr", "nose width"),
        ("nose-scale-vert-incr", "nose length"),
        ("ear-scale-incr", "ear height"),
        ("eye-scale-incr", "eye width"),
        ("mouth-scale-horiz-incr", "mouth width"),
        ("mouth-angles-up", "mouth corner rise"),
        ("chin-width-incr", "chin width"),
        ("eyebrows-trans-up", "brow height"),
        ("chin-prominent-incr", "chin prominence"),
    ],
)
def test_a_slider_moves_the_measure_it_names(points, model, slider, measure):
    low, high = (found(points, moved_by(model, slider, value))[measure] for value in (-0.8, 0.8))
    assert high > low + 1


def test_random_heads_are_the_same_every_time(points, model):
    norms, again = Norms.of(model, points), Norms.of(model, points)
    assert torch.equal(norms.mean, again.mean)
    scores = norms.scores(measured(points, model.rest[None]))
    assert scores.abs().max() < 1
    assert len(MEASURES) == len(set(NAMES)) >= 40


def test_a_head_without_landmarks_is_refused():
    with pytest.raises(ValueError, match="no landmarks"):
        Points.of(replace(toy_topology(), landmarks=None))
