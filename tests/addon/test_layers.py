"""Layers and sliders of the sidebar: live while they move, one step when they are let go."""

import json
import sys
import time
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from .conftest import PACKAGE
from .test_operators import pump  # noqa: F401 - a fixture
from .test_steps import key_points, positions


@pytest.fixture
def head(pump):  # noqa: F811
    """A head with one edit, and the sidebar's mirror of it."""
    bpy.ops.facewright.generate(prompt="an old sailor", wait=True)
    bpy.ops.facewright.edit(instruction="make his lips red", wait=True)
    live().mirror(bpy.context.object)
    return bpy.context.object


def live():
    return sys.modules[f"{PACKAGE}.ui.live"]


def values():
    return bpy.context.window_manager.facewright_live


def last(found):
    return found.facewright.steps[-1]


def image_shown(found):
    return sys.modules[f"{PACKAGE}.scene.material"].shown_image(found)


def texels(found):
    return sys.modules[f"{PACKAGE}.scene.material"].texels(image_shown(found))[..., :3]


def test_the_mirror_shows_the_layers_and_sliders_of_the_step(head):
    assert [(one.name, one.strength, one.muted) for one in values().layers] == [("red lips", 1.0, False)]
    assert [one.label for one in values().sliders] == ["age", "northern", "southern", "nose length"]
    assert [one.shown for one in values().sliders] == ["share", "share", "share", "value"]


def test_dragging_shows_at_once_what_the_backend_keeps_and_makes_one_step(head):
    before, points = len(head.facewright.steps), positions(head)
    layer = values().layers[0]
    for strength in (0.9, 0.5, 0.25):
        layer.strength = strength
    assert len(head.facewright.steps) == before
    dragged, moved = texels(head), positions(head)
    assert not np.array_equal(moved, points)
    assert bpy.ops.facewright.keep(wait=True) == {"FINISHED"}
    assert len(head.facewright.steps) == before + 1
    assert (last(head).kind, last(head).name) == ("layers", "red lips at 0.25")
    np.testing.assert_array_equal(texels(head), dragged)
    np.testing.assert_array_equal(positions(head), moved)
    assert json.loads(last(head).document)["layers"][0]["strength"] == 0.25
    live().drop_picture()
    assert live().PICTURE not in bpy.data.images


def test_setting_a_layer_back_gives_the_first_bytes_again(head):
    first, shape = texels(head), positions(head)
    bpy.ops.facewright.set_layer(number=1, strength=0.5, wait=True)
    bpy.ops.facewright.set_layer(number=1, strength=1.0, wait=True)
    np.testing.assert_array_equal(texels(head), first)
    np.testing.assert_array_equal(positions(head), shape)
    bpy.ops.facewright.set_layer(number=1, muted=True, wait=True)
    live().mirror(head)
    assert values().layers[0].muted
    with pytest.raises(RuntimeError, match="no layer 7"):
        bpy.ops.facewright.set_layer(number=7, strength=0.5, wait=True)


def test_layers_change_places(head):
    bpy.ops.facewright.edit(instruction="older", wait=True)
    bpy.ops.facewright.move_layer(number=2, by=-1, wait=True)
    assert [one["instruction"] for one in json.loads(last(head).document)["layers"]] == ["older", "make his lips red"]
    with pytest.raises(RuntimeError, match="at the end"):
        bpy.ops.facewright.move_layer(number=1, by=-1, wait=True)


def test_sliders_move_the_head_at_once_and_become_a_step_with_the_same_texture(head):
    picture, before = image_shown(head), positions(head)
    smile = key_points(head, "jawOpen") - before
    slider = values().sliders["nose-long"]
    first = slider.value
    slider.value = 0.5
    moved = positions(head)
    assert not np.array_equal(moved, before)
    assert last(head).kind == "edit"
    bpy.ops.facewright.keep()
    assert (last(head).kind, last(head).name) == ("sliders", "nose length 0.50")
    np.testing.assert_allclose(positions(head), moved, atol=1e-7)
    np.testing.assert_allclose(key_points(head, "jawOpen") - positions(head), smile, atol=1e-7)
    assert image_shown(head) == picture
    bpy.ops.facewright.set_sliders(values=f'{{"nose-long": {first}}}')
    np.testing.assert_allclose(positions(head), before, atol=1e-6)


def test_what_was_sculpted_before_a_slider_moves_is_kept_under_it(head):
    head.data.shape_keys.key_blocks["Basis"].points[3].co.x += 0.01
    sculpted, first = key_points(head, "Basis"), values().sliders["nose-long"].value
    values().sliders["nose-long"].value = 0.5
    bpy.ops.facewright.keep()
    assert [step.kind for step in head.facewright.steps] == ["generate", "edit", "sculpt", "sliders"]
    bpy.ops.facewright.set_sliders(values=f'{{"nose-long": {first}}}')
    np.testing.assert_allclose(positions(head), sculpted, atol=1e-6)


def test_undo_takes_a_slider_step_back_at_once(head):
    name, before, first = head.name, positions(head), values().sliders["nose-long"].value
    bpy.ops.ed.undo_push(message="before")
    values().sliders["nose-long"].value = 0.5
    bpy.ops.facewright.keep()
    bpy.ops.ed.undo()
    found = bpy.data.objects[name]
    np.testing.assert_array_equal(positions(found), before)
    assert len(found.facewright.steps) == 2
    live().mirror(found)
    assert values().sliders["nose-long"].value == first


def test_a_group_goes_back_to_the_mean_head(head):
    bpy.ops.facewright.set_sliders(values='{"nose-long": 0.7, "age": 0.9}')
    bpy.ops.facewright.reset_group(group="nose")
    assert (values().sliders["nose-long"].value, round(values().sliders["age"].share, 3)) == (0.0, 0.9)
    with pytest.raises(RuntimeError, match="no slider beak"):
        bpy.ops.facewright.set_sliders(values='{"beak": 1}')


def test_a_drag_that_pauses_is_one_step_and_a_typed_number_needs_no_release(extension, monkeypatch):
    dragging = sys.modules[f"{PACKAGE}.ui.dragging"]
    timer, press, release, drag = (
        SimpleNamespace(type=kind, value=value)
        for kind, value in (
            ("TIMER", "NOTHING"),
            ("LEFTMOUSE", "PRESS"),
            ("LEFTMOUSE", "RELEASE"),
            ("LEFTMOUSE", "CLICK_DRAG"),
        )
    )
    monkeypatch.setattr(live().state, "changed_at", time.monotonic() - 2 * live().IDLE_S)
    assert not dragging.let_go(timer, held=True)
    assert not dragging.let_go(drag, held=True)
    assert dragging.let_go(timer, held=False)
    assert dragging.let_go(release, held=True)
    assert dragging.let_go(press, held=True)
    monkeypatch.setattr(live().state, "changed_at", time.monotonic())
    assert not dragging.let_go(timer, held=False)
