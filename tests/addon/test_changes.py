"""Faces made in Blender without the backend, which must take them as its own."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from addon.session import changes, layers, rest
from addon.session.face import read_face, write_files
from addon.session.head import read_head
from backend.face import anny, saved
from backend.provenance import from_png
from tests.toys import toy_face, toy_layer, toy_topology, write_head

from .conftest import ROOT

ANNY = ROOT / "ckpts" / "starter" / "anny.npz"


@pytest.fixture
def head(tmp_path):
    write_head(toy_topology(), tmp_path / "heads" / "toy.npz")
    return read_head(tmp_path / "heads" / "toy.npz")


@pytest.fixture
def edited(tmp_path):
    """A face with two layers, one of them faint."""
    both = (toy_layer(seed=1), toy_layer(seed=2, strength=0.4))
    return read_face(saved.save(replace(toy_face(), layers=both), tmp_path / "edited"))


def backend_reads(face, folder: Path):
    return saved.load(write_files(face.files, folder))


def test_the_sliders_sums_are_the_backends():
    model, sliders = anny.load(ANNY), read_head(ANNY).sliders
    generator = np.random.default_rng(4)
    low, high = sliders.ranges.T
    ends = [np.where(generator.random(len(low)) < 0.5, low, high), generator.uniform(low, high)]
    assert sliders.names == model.slider_names
    for values in np.array(ends, np.float32):
        wanted = model.slider_offsets(torch.from_numpy(values)[None]).reshape(-1, 3).numpy()
        np.testing.assert_allclose(sliders.difference(sliders.defaults, values), wanted, atol=2e-5)


def test_the_embedded_heads_first_face_is_whole_and_no_networks(tmp_path):
    head, model = read_head(ANNY), anny.load(ANNY)
    texels = np.asarray(Image.open(io.BytesIO(head.rest_face.albedo)))
    by = np.where(np.arange(len(head.sliders.names)) == head.sliders.names.index("nose-hump-incr"), 0.8, 0)
    made = changes.move_sliders(rest.face_at_rest(head, texels), head.sliders, by.astype(np.float32), "nose hump 0.80")
    face = backend_reads(made, tmp_path / "face")
    assert (face.kind, face.parent, face.layers, len(face.identity)) == ("sliders", None, (), model.identity_size)
    np.testing.assert_array_equal(face.base_albedo, texels)
    np.testing.assert_allclose(face.expressions, head.expressions)
    wanted = head.rest + head.sliders.difference(head.sliders.defaults, face.sliders)
    np.testing.assert_allclose(face.base_vertices, wanted, atol=1e-6)
    told = from_png(made.albedo)
    assert (told["synthetic"], told["licences"]) == (True, {"anny": "CC0-1.0"})
    assert "digital_source_type" not in told


def test_moved_sliders_keep_layers_and_texture_and_the_backend_reads_the_face(head, edited, tmp_path):
    by, before = np.float32([0.1, 0, 0, -0.7]), changes.base_sliders(edited, head.sliders)
    moved = changes.move_sliders(edited, head.sliders, by, "nose length -0.70")
    face = backend_reads(moved, tmp_path / "moved")
    wanted = head.sliders.difference(before, before + by)
    np.testing.assert_allclose(moved.vertices - edited.vertices, wanted, atol=1e-6)
    np.testing.assert_array_equal(face.sliders, before + by)
    assert moved.albedo == edited.albedo
    assert moved.document["parent"] == edited.document["id"] != moved.document["id"]
    assert (face.kind, len(face.layers)) == ("sliders", 2)


def test_sliders_show_what_layers_add_and_only_the_base_moves(head, tmp_path):
    added = np.float32([0, 0, 0, 0.5])
    layer = replace(toy_layer(), sliders=added, identity=np.zeros(5, np.float32), strength=0.5)
    kept = saved.save(replace(toy_face(), sliders=head.sliders.defaults, layers=(layer,)), tmp_path / "added")
    face = read_face(kept)
    shown = changes.slider_values(face, head.sliders)
    assert shown[3] == 0.25
    moved = changes.move_sliders(face, head.sliders, np.float32([0, 0, 0, 0.5]), "nose length 0.75")
    assert changes.base_sliders(moved, head.sliders)[3] == 0.5
    assert changes.slider_values(moved, head.sliders)[3] == 0.75
    assert backend_reads(moved, tmp_path / "moved").layers[0].strength == 0.5


def test_sculpting_becomes_a_layer_that_can_be_muted(edited, tmp_path):
    sculpted = edited.vertices.copy()
    sculpted[10] += (0.02, 0.0, 0.01)
    expressions = edited.expressions.copy()
    expressions[1, 3] = 0.5
    made = changes.sculpt(edited, sculpted, expressions)
    face = backend_reads(made, tmp_path / "sculpted")
    np.testing.assert_allclose(made.vertices, sculpted, atol=1e-7)
    untouched = np.arange(len(sculpted)) != 10
    np.testing.assert_array_equal(made.vertices[untouched], edited.vertices[untouched])
    np.testing.assert_array_equal(made.expressions, expressions)
    assert face.layers[-1].name == changes.SCULPTED
    stack = layers.read_stack(made, mask_of).changed(3, muted=True)
    np.testing.assert_array_equal(stack.points(), edited.vertices)


@pytest.mark.parametrize("seed", range(3))
def test_layers_shown_while_dragging_are_the_bytes_the_backend_keeps(edited, seed, tmp_path):
    generator = np.random.default_rng(seed)
    stack = layers.read_stack(edited, mask_of)
    face = saved.load(write_files(edited.files, tmp_path / "same"))
    changed = []
    for number, layer in enumerate(face.layers, start=1):
        strength, muted = float(np.float32(generator.uniform(0, 2))), bool(generator.integers(0, 2))
        stack = stack.changed(number, strength=strength, muted=muted)
        changed.append(replace(layer, strength=strength, muted=muted))
    stack = stack.moved(1, 1)
    wanted = replace(face, layers=tuple(reversed(changed)))
    np.testing.assert_array_equal(stack.texels(), saved.albedo(wanted))
    np.testing.assert_array_equal(stack.points(), saved.vertices(wanted))


def test_a_layer_at_an_end_cannot_go_beyond_it(edited):
    stack = layers.read_stack(edited, mask_of)
    assert stack.moved(1, -1) is stack
    assert stack.moved(2, 1) is stack


def mask_of(png):
    return np.asarray(Image.open(io.BytesIO(png)))
