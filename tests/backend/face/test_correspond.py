"""Between Anny and a bent Anny, whose points are known; and between Anny and ICT where it lies beside the checkout."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import HeadInvalid
from backend.face import correspond as module, ict
from backend.face.correspond import Correspondence, correspond, with_sliders
from backend.face.mesh import Topology
from backend.face.sliders import effect
from tests.backend.face.test_ict import FOLDER
from tests.toys import toy_topology

BESIDE = pytest.mark.skipif(Path() == FOLDER, reason="shared/ict-facekit lies nowhere above the tests")


@pytest.fixture(scope="module")
def bent(head) -> Topology:
    """Anny half again as large, wider at the chin, longer in the nose; under another name."""
    rest = head.topology.rest.astype(np.float64)
    x, y, z = rest.T
    rest = rest + 0.1 * np.exp(-((y + 0.9) ** 2) / 0.2)[:, None] * np.stack(
        [np.sign(x) * np.minimum(abs(x), 0.5), 0 * x, 0 * x], 1
    )
    rest[:, 2] += 0.08 * np.exp(-(x**2 + (y + 0.2) ** 2) / 0.05) * (z > 0.5)
    return replace(head.topology, rest=(1.5 * rest).astype(np.float32), topology_id="bent")


@pytest.fixture(scope="module")
def across(head, bent, tmp_path_factory) -> Correspondence:
    return correspond(head.topology, bent, tmp_path_factory.mktemp("heads"))


@pytest.fixture(scope="module")
def ict_model():
    return ict.load(FOLDER)


@pytest.fixture(scope="module")
def to_ict(head, ict_model) -> Correspondence:
    return correspond(head.topology, ict_model.topology)


def round_trip(across: Correspondence) -> np.ndarray:
    """(V,) millimetres between the source's vertices and where they come back from the target; NaN off the skin."""
    source, target = across.source, across.target
    there = across.inverse().places(across.source_points, "skin").of(across.target_points, target.faces)
    back = across.places(there, "skin").of(source.rest, source.faces)
    away = np.linalg.norm(back - source.rest, axis=1) * source.metres_per_unit * 1000
    skin = np.isin(np.arange(len(away)), source.faces[source.part_faces("skin")])
    return np.where(skin, away, np.nan)


def test_a_bent_head_finds_its_own_points(head, bent, across):
    face = np.flatnonzero((head.topology.region("face") > 0.5) & np.isfinite(round_trip(across)))
    found = across.places(across.target_points[face], "skin").of(head.topology.rest, head.topology.faces)
    away = np.linalg.norm(found - head.topology.rest[face], axis=1) * head.topology.metres_per_unit * 1000
    assert np.median(away) < 1
    assert np.percentile(away, 95) < 5


def test_places_come_back_from_the_other_head(head, across):
    face = head.topology.region("face") > 0.5
    assert np.nanmean(round_trip(across)[face]) < 0.3


def test_a_heads_own_map_changes_nothing(head):
    same = correspond(head.topology, head.topology)
    np.testing.assert_allclose(same.rows(head.local_rows[:4]), head.local_rows[:4], atol=1e-5)


def test_directions_turn_and_scale_with_the_head(head, bent, across):
    """What moves all of the one moves all of the other by half as much again, and back."""
    shift = torch.tensor([0.01, 0.02, 0.03]).repeat(len(head.topology.rest))[None]
    moved = across.rows(shift, whole=True)
    torch.testing.assert_close(moved / across.turned[0, 0], shift, atol=1e-3, rtol=0.05)
    assert across.turned[0, 0] == pytest.approx(1.5, abs=0.1)
    torch.testing.assert_close(across.inverse().rows(moved, whole=True), shift, atol=1e-4, rtol=0)


def test_the_map_is_kept_and_a_damaged_one_made_anew(head, bent, across, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(module, "bend", lambda moved, onto: calls.append(1) or across.source_points)
    for expected in (1, 1):
        assert np.array_equal(correspond(head.topology, bent, tmp_path).source_points, across.source_points)
        assert len(calls) == expected
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:99])
    correspond(bent, head.topology, tmp_path)
    correspond(head.topology, replace(bent, rest=bent.rest * 2), tmp_path)
    assert len(calls) == 3


def test_a_head_without_landmarks_is_refused(head):
    with pytest.raises(HeadInvalid, match="toy names no landmarks"):
        correspond(head.topology, toy_topology())


@BESIDE
def test_faces_come_back_from_ict(head, to_ict):
    away = round_trip(to_ict)
    assert np.nanmean(away[head.topology.region("face") > 0.5]) < 0.3
    for region in ("chin", "forehead", "left_cheek", "right_cheek"):
        assert np.nanmax(away[head.topology.region(region) > 0.5]) < 0.3


@BESIDE
def test_ict_gets_annys_sliders(head, ict_model, to_ict):
    model = with_sliders(ict_model, head, to_ict)
    assert model.slider_names == head.slider_names
    torch.testing.assert_close(
        model.vertices(sliders=model.slider_defaults[None]), ict_model.vertices(), atol=1e-4, rtol=0
    )
    moved, theirs = effect(model, "nose-scale-vert-incr", 1.0), effect(head, "nose-scale-vert-incr", 1.0)
    assert moved["nose"] == pytest.approx(theirs["nose"], rel=0.3)
    for region in ("chin", "left_ear", "forehead"):
        assert moved[region] == pytest.approx(theirs[region], abs=0.5)
