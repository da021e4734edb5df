"""The neck and shoulders in the repository, on the head in the repository."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import HeadInvalid
from backend.face import export, heads
from backend.face.anny import SHOULDERS
from backend.face.checks import edges_of, flipped
from backend.face.layers import Face, Layer, albedo, vertices
from backend.face.mesh import Topology, quad_corners
from backend.face.shoulders import Shoulders, dressed, read, with_shoulders
from tests.backend.conftest import ANNY
from tests.toys import toy_face

FILE = ANNY.with_name(SHOULDERS)


@pytest.fixture(scope="module")
def topology(head) -> Topology:
    return head.topology


@pytest.fixture(scope="module")
def shoulders(topology) -> Shoulders:
    return read(FILE, topology)


@pytest.fixture(scope="module")
def whole(topology, shoulders) -> Topology:
    return with_shoulders(topology, shoulders)


@pytest.fixture(scope="module")
def face(head) -> Face:
    """A random person with one shape layer, half as strong as it was made."""
    rest, generator = head.topology.rest, np.random.default_rng(0)
    person = torch.randn(1, head.identity_size, generator=torch.Generator().manual_seed(1))
    layer = Layer(
        *("wider", "", "geometry", "auto"),
        strength=0.5,
        weights=np.ones(len(rest), np.float32),
        offsets=(0.02 * generator.standard_normal(rest.shape)).astype(np.float32),
    )
    return replace(
        toy_face(),
        base_vertices=head.vertices(identity=person)[0].numpy(),
        offsets=np.zeros_like(rest),
        expressions=head.expression_basis.view(-1, *rest.shape).numpy(),
        expression=np.zeros(head.expression_size, np.float32),
        layers=(layer,),
    )


def test_the_file_is_small():
    assert FILE.stat().st_size < 300_000


def test_head_and_shoulders_are_a_whole_topology(topology, whole):
    heads._check_topology(whole, FILE)
    count = len(topology.rest)
    assert np.array_equal(whole.rest[:count], topology.rest)
    assert np.array_equal(whole.faces[: len(topology.faces)], topology.faces)
    assert np.array_equal(whole.uvs[: len(topology.uvs)], topology.uvs)
    assert np.array_equal(whole.quads, whole.faces.ravel()[quad_corners(whole.faces)])
    assert np.array_equal(np.unique(whole.faces), np.arange(len(whole.rest)))
    assert set(np.flatnonzero(whole.region("shoulders"))) == set(range(count, len(whole.rest)))


def test_the_rim_is_welded(topology, shoulders, whole):
    """The head is open there; with the shoulders each edge of the rim has a triangle on both sides, wound alike."""
    edges = edges_of(whole.faces)
    open_edges = edges.ends[(edges.sides < 0).any(axis=1)]
    assert not np.isin(open_edges, shoulders.rim).any()
    ring = np.stack([whole.faces, np.roll(whole.faces, -1, axis=1)], axis=2).reshape(-1, 2)
    assert (
        len(np.unique(ring[np.isin(ring, shoulders.rim).all(axis=1)], axis=0))
        == np.isin(ring, shoulders.rim).all(axis=1).sum()
    )
    assert (topology.rest[shoulders.rim, 1] < -0.9).all()


def test_they_hang_below_the_head_alike_on_both_sides(shoulders):
    low, high = shoulders.rest.min(axis=0), shoulders.rest.max(axis=0)
    assert high[1] < -0.9
    assert -3.2 < low[1] < -2.7
    assert low[0] == pytest.approx(-high[0], abs=0.02)
    assert 3.5 < high[0] - low[0] < 5  # head units: 31 to 44 cm


def test_the_mean_head_has_the_mean_shoulders(topology, shoulders):
    assert np.array_equal(shoulders.below(np.zeros_like(topology.rest)), shoulders.rest)


def test_what_is_near_the_rim_goes_with_it(topology, shoulders):
    moved = np.zeros_like(topology.rest)
    moved[shoulders.rim] = [0.0, 0.0, 0.05]
    away = np.linalg.norm(shoulders.rest[:, None] - topology.rest[shoulders.rim], axis=2).min(axis=1)
    drawn = shoulders.drawn(moved)
    assert drawn[away < 0.15, 2].min() > 0.04
    assert np.abs(drawn[away > 1.3]).max() == 0


def test_no_head_makes_them_fold(head, topology, shoulders, whole):
    persons = torch.randn(12, head.identity_size, generator=torch.Generator().manual_seed(2))
    below = np.arange(len(whole.faces))[-2 * len(shoulders.quads) :]
    for one in head.vertices(identity=persons).numpy():
        body = np.concatenate([one, shoulders.below(one - topology.rest)])
        assert flipped(body, whole.rest, whole.faces[below]).mean() < 0.01


@pytest.mark.parametrize(("slider", "low", "high"), [("gender", 1.0, 0.0), ("muscle", 0.0, 1.0), ("weight", 0.0, 1.0)])
def test_men_and_the_strong_and_the_heavy_have_broader_ones(head, topology, shoulders, slider, low, high):
    widths = []
    for value in (low, high):
        sliders = head.slider_defaults.clone()[None]
        sliders[0, head.slider_names.index(slider)] = value
        below = shoulders.below(head.vertices(sliders=sliders)[0].numpy() - topology.rest)
        widths.append(np.ptp(below[:, 0]))
    assert widths[1] > widths[0] * 1.01


def test_a_face_keeps_every_vertex_and_texel(face, topology, shoulders, whole):
    worn, count = dressed(face, topology, shoulders), len(topology.rest)
    assert vertices(worn)[:count].tobytes() == vertices(face).tobytes()
    assert worn.expressions[:, :count].tobytes() == face.expressions.tobytes()
    assert albedo(worn).tobytes() == albedo(face).tobytes()
    assert len(vertices(worn)) == len(whole.rest)
    assert np.abs(worn.expressions[:, count:]).max() < np.abs(face.expressions[:, shoulders.rim]).max() + 1e-6


def test_both_kinds_of_files_hold_them(face, topology, shoulders, whole, tmp_path):
    import trimesh

    worn = dressed(face, topology, shoulders)
    for write, name in ((export.write_glb, "face.glb"), (export.write_obj, "face.obj")):
        scene = trimesh.load_scene(write(worn, whole, tmp_path / name))
        parts = scene.geometry.values()
        assert sum(len(part.faces) for part in parts) == len(whole.faces)
        low = min(part.bounds[0, 1] for part in parts)
        assert low == pytest.approx(vertices(worn)[:, 1].min() * topology.metres_per_unit, abs=1e-5)


def rewrite(path: Path, **changes: np.ndarray) -> Path:
    with np.load(FILE, allow_pickle=False) as archive:
        np.savez(path, **{name: archive[name] for name in archive.files} | changes)
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"spread": np.zeros((3, 3), np.float32)}, "spread is 3 × 3, expected"),
        ({"rest": np.full((3, 3), np.nan, np.float32)}, "9 values of rest are no numbers"),
        ({"rim": np.full(42, 99999)}, "rim runs from 99999"),
        ({"meta": np.array(json.dumps({"topology_id": "another"}))}, "made for the head another, this is anny"),
        ({"meta": np.array("[]")}, "cannot be read as shoulders"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(topology, tmp_path, changes, said):
    with pytest.raises(HeadInvalid, match=rf"odd\.npz.*{said}"):
        read(rewrite(tmp_path / "odd.npz", **changes), topology)


@pytest.mark.parametrize("damage", ["absent", "text", "truncated"])
def test_a_file_that_cannot_be_read_is_refused(topology, tmp_path, damage):
    path = tmp_path / "odd.npz"
    if damage != "absent":
        path.write_bytes({"text": b"no shoulders", "truncated": FILE.read_bytes()[:5000]}[damage])
    with pytest.raises(HeadInvalid, match=r"odd\.npz cannot be read as shoulders") as caught:
        read(path, topology)
    assert "train head" in caught.value.advice
