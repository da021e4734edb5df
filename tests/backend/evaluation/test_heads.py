"""Sheets and figures of the embedded head, and of one of triangles alone."""

import numpy as np
import pytest
import torch
from PIL import Image

from backend import workshop
from backend.errors import UsageError
from backend.evaluation import heads
from backend.face.correspond import correspond
from backend.face.flame import MODELS
from tests.backend.face.test_flame import beside, pickled, structure


@pytest.fixture(autouse=True)
def _forget():
    yield
    workshop.close_workshop()


@pytest.fixture
def flame(tmp_path, monkeypatch) -> str:
    monkeypatch.setenv("FACEWRIGHT_HOME", str(tmp_path / "home"))
    return str(pickled(beside(tmp_path) / MODELS[0], structure()))


def test_the_sheet_names_what_it_shows(tmp_path):
    told = heads.people_sheet("anny", identities=2, expressions=3, seed=1, out=tmp_path / "a.png")
    assert told["identities"] == 2
    assert len(set(told["expressions"])) == 3
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 3 * 224
    again = heads.people_sheet("anny", identities=2, expressions=3, seed=1, out=tmp_path / "b.png")
    assert again["expressions"] == told["expressions"]
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_the_sheet_may_show_shoulders(tmp_path):
    heads.people_sheet("anny", identities=1, expressions=0, seed=0, out=tmp_path / "a.png", shoulders=True)
    heads.people_sheet("anny", identities=1, expressions=0, seed=0, out=tmp_path / "b.png")
    drawn, alone = (np.asarray(Image.open(tmp_path / name)).astype(int) for name in ("a.png", "b.png"))
    assert drawn.shape == alone.shape
    assert (drawn != alone).any()


def test_slopes_are_those_of_differences(head):
    assert heads.gradient_error(head) < 1e-8


def test_what_is_seen_of_a_head_is_its_outside(head):
    outside = heads.seen(head.topology)
    assert outside[head.topology.region("nose") > 0.5].mean() > 0.8
    assert not outside[head.topology.region("tongue") > 0.5].any()


def test_a_heads_own_map_brings_all_back(head):
    same = correspond(head.topology, head.topology)
    assert heads.millimetres_back(same).max() < 0.01
    assert heads.decibels_back(same, torch.rand(1, 3, 8, 8).repeat_interleave(32, 2).repeat_interleave(32, 3)) > 35


def test_a_head_of_triangles_alone_is_drawn(flame, tmp_path):
    heads.people_sheet(flame, identities=1, expressions=1, seed=0, out=tmp_path / "a.png")
    told = heads.uv_sheet(flame, tmp_path / "b.png")
    assert told["fill_percent"]["skin"] > 50
    figures = heads.report(flame, None)
    assert figures["mesh"] == "624 vertices, 0 quads, 1152 triangles"
    assert "millimetres lost" not in figures  # no sliders to go to
    assert "there and back" not in figures  # no landmarks to meet at
    with pytest.raises(UsageError, match="no shoulders for the head flame"):
        heads.people_sheet(flame, identities=1, expressions=0, seed=0, out=tmp_path / "c.png", shoulders=True)


def test_nothing_to_draw_is_refused(tmp_path):
    with pytest.raises(UsageError, match="nothing to draw"):
        heads.people_sheet("anny", identities=0, expressions=0, seed=0, out=tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_the_report_has_a_sliders_millimetres(head):
    figures = heads.report("anny", "nose-scale-vert-incr")["millimetres"]
    assert list(figures)[-1] == "elsewhere"
    assert "nose" in figures
    assert "left_ear" not in figures
    with pytest.raises(UsageError, match="anny has no slider 'long nose'; it has gender, age"):
        heads.report("anny", "long nose")


def test_the_skin_fills_what_it_should(head):
    shares = heads.fill(head.topology)
    assert shares["skin"] >= 65
    assert sum(shares.values()) < 100


def test_the_checker_is_of_equal_squares():
    board, square = heads.checker(256)[0].mean(0), 256 // heads.CHECKS
    middles = board[square // 2 :: square, square // 2 :: square]
    neighbours = middles[:, 1:] - middles[:, :-1]
    assert (neighbours[:, 1:] * neighbours[:, :-1] < 0).all()


def test_the_layout_is_a_picture_of_all_polygons(head):
    drawn = np.asarray(heads._layout(head.topology, 128)).astype(float)
    assert 0.6 < (drawn.min(axis=2) < 245).mean() < 0.98
