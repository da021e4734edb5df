"""The judge of samples, at sizes that learn little."""

import random

import numpy as np
import pytest
import torch

from backend.evaluation import samples
from backend.evaluation.classifier import (
    RIGHT,
    SILENT,
    Judging,
    Size,
    agreement,
    answers,
    classes,
    judge,
    learn,
    least_sure,
)
from backend.evaluation.intervals import Estimate, share
from backend.evaluation.samples import Asked, samples_verdict, shows, texts
from backend.language import SHAPES, THINGS, Look, Person, draw_person, words
from backend.training.people import Studio
from backend.workshop import open_workshop


@pytest.fixture(scope="module")
def persons():
    rng = random.Random(0)
    return [draw_person(rng) for _ in range(6)]


def test_answers_are_what_a_person_is():
    person = Person({"nose_length": 0.7}, Look(lips="red", hair="shaved", freckles=True, wrinkles=0.2))
    axes, things = answers([person])
    assert axes[0, [axis.name for axis in SHAPES].index("nose_length")] == pytest.approx(0.7)
    found = {name: classes(name)[int(value)] for name, value in things.items()}
    assert found["lips"] == "red"
    assert found["freckles"] is True
    assert found["hair"] is found["wrinkles"] is found["skin"] is None


def test_a_judge_learns_pictures_by_heart(persons):
    torch.manual_seed(0)
    pictures = (255 * np.random.default_rng(0).random((24, 3, 1, 1)) * np.ones((1, 1, 128, 128))).astype(np.uint8)
    network, said = Judging(), []
    before = agreement(network.eval(), pictures, persons)
    learn(network, pictures, persons, Size(steps=40, batch=24), said.append)
    after = agreement(network.eval(), pictures, persons)
    for kind in ("axes", "things"):
        assert all(after[f"speaks_of_{kind}"])  # it has not learnt to be silent
        assert len(after[f"right_on_{kind}"]) == len(before[f"right_on_{kind}"])
    assert sum(sum(after[f"right_on_{kind}"]) - sum(before[f"right_on_{kind}"]) for kind in ("axes", "things")) > 5


def test_a_judge_is_silent_where_it_errs():
    """Sure from where on nearly all is right; never where that is nowhere, or hardly ever."""
    sureness = torch.linspace(0, 1, 1001)
    right = (sureness > 0.6) | (torch.arange(1001) % 2 == 0)
    least = least_sure(sureness, right)
    assert 0.55 < least < 0.6
    assert right[sureness >= least].double().mean() >= RIGHT
    assert right[sureness >= least - 0.05].double().mean() < RIGHT
    assert least_sure(sureness, torch.zeros(1001, dtype=torch.bool)) == float("inf")
    assert least_sure(sureness[:5], torch.ones(5, dtype=torch.bool)) == float("inf")


def test_what_is_learnt_of_sureness_holds_for_what_is_said(persons):
    torch.manual_seed(0)
    network = Judging().eval().requires_grad_(False)
    pictures = np.random.default_rng(0).integers(0, 255, (24, 3, 128, 128)).astype(np.uint8)
    free = agreement(network, pictures, persons)
    network.sure_axes.fill_(float("inf"))
    network.sure_things[0] = 2.0
    bound = agreement(network, pictures, persons)
    assert free["speaks_of_axes"]
    assert not any(bound["speaks_of_axes"])
    assert bound["right_on_axes"] == []
    assert 0 < sum(bound["speaks_of_things"]) < len(bound["speaks_of_things"])
    signs, found = network.says(torch.from_numpy(pictures[:4]).float() / 255)
    assert (signs == 0).all()
    assert (found[:, 0] == SILENT).all()
    assert (found[:, 1:] != SILENT).all()


def test_texts_ask_for_everything_in_words_that_are_taught():
    asked = texts()
    assert len({one.text for one in asked}) == len(asked) >= 2 * len(SHAPES) + len(THINGS)
    assert {one.subject for one in asked} == {axis.name for axis in SHAPES} | {thing.name for thing in THINGS}
    said = {word.strip(",") for one in asked for word in one.text.replace("-", " ").split()}
    assert not said - set(words())


def test_what_a_picture_shows_is_read_from_the_judge():
    network = Judging().eval().requires_grad_(False)
    pictures = torch.rand(1, 3, 128, 128)
    told, classed = network(pictures)
    sign = float(told[0, 0].sign())
    lips = classes("lips")[int(classed["lips"][0].argmax())]
    name = SHAPES[0].name
    asked = [Asked("x", name, sign), Asked("x", name, -sign), Asked("x", "lips", 0.0, lips)]
    assert shows(network, pictures.expand(3, -1, -1, -1), asked) == [True, False, True]
    network.sure_axes.fill_(float("inf"))
    assert shows(network, pictures.expand(3, -1, -1, -1), asked) == [None, None, True]


def test_a_judge_that_errs_or_shuffled_words_that_show_make_it_worth_nothing():
    good, bad = share([True] * 100), share([True] * 90 + [False] * 10)
    chance, sure = share([True, False] * 20), share([True] * 40)
    found = {"judge_right_on_axes": good, "judge_right_on_things": good, "samples_shuffled_show_axes": chance}
    assert samples_verdict(found) == []
    assert len(samples_verdict(found | {"judge_right_on_things": bad})) == 1
    assert len(samples_verdict(found | {"samples_shuffled_show_axes": sure})) == 1
    assert len(samples_verdict(found | {"judge_right_on_axes": Estimate(None)})) == 1


@pytest.mark.slow
def test_a_judge_is_kept_and_learns_once(tmp_path):
    studio, size = Studio.of(open_workshop().model), Size(heads=2, others=2, steps=2, batch=4)
    first = judge(studio, tmp_path, size)
    kept = list(tmp_path.iterdir())
    assert [path.suffix for path in kept] == [".safetensors"]
    again = judge(studio, tmp_path, size)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in first.state_dict().items())
    assert list(tmp_path.iterdir()) == kept


@pytest.mark.slow
def test_samples_are_drawn_judged_and_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("FACEWRIGHT_HOME", str(tmp_path / "home"))
    few = texts()[::20]
    monkeypatch.setattr(samples, "texts", lambda: few)
    monkeypatch.setattr(samples, "OTHERS", 3)
    events = []
    found = samples.evaluate_samples(
        open_workshop(), tmp_path, 1, events.append, Size(heads=2, others=2, steps=2, batch=4)
    )
    assert {"samples_show_axes", "samples_show_things", "samples_shuffled_show_axes"} <= found.keys()
    assert found["judge_speaks_of_axes"].items > 5
    assert events[-1]["step"] == events[-1]["total"] == len(few)
    assert (tmp_path / samples.SHEET).is_file()
