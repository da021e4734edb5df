"""The buttons, with a real child process behind them."""

import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import bpy
import numpy as np
import pytest

from .conftest import PACKAGE, ROOT
from .test_desk import CHILD
from .test_steps import positions

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="the journal of a job is torch's")


@pytest.fixture
def pump(toy_head, monkeypatch, tmp_path):
    """The pump, whose backend is the child of small jobs."""
    module = sys.modules[f"{PACKAGE}.ui.pump"]
    monkeypatch.setattr(module.preferences, "backend_start", lambda: CHILD)
    yield module
    module.close()


def test_the_backend_of_a_checkout_runs_in_this_python_where_no_environment_is_made(pump, monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setenv("FACEWRIGHT_HOME", str(tmp_path))
    start = pump.preferences.backend_start()
    assert start.command[0] == sys.executable
    assert start.variables == {"FACEWRIGHT_ENV": sys.prefix, "FACEWRIGHT_HOME": str(tmp_path)}


def test_enabling_starts_no_thread_process_or_timer(pump):
    assert pump.state.desk is None
    assert not any(thread.name == "facewright-link" for thread in threading.enumerate())
    assert not bpy.app.timers.is_registered(pump.tick)


def test_generate_then_edit_from_a_script(pump):
    assert bpy.ops.facewright.generate(prompt="an old sailor", seed=3, wait=True) == {"FINISHED"}
    found = bpy.context.object
    before = positions(found)
    assert found.name == "an old sailor"
    assert bpy.ops.facewright.edit(instruction="make his lips red", strength=0.5, wait=True) == {"FINISHED"}
    assert [step.name for step in found.facewright.steps] == ["an old sailor", "make his lips red"]
    assert not np.array_equal(positions(found), before)
    assert '"strength": 0.5' in found.facewright.steps[1].document
    assert not list(pump.state.desk.scratch.iterdir())


def test_a_script_can_change_settings_of_the_preset(pump):
    bpy.ops.facewright.generate(prompt="a man", settings='{"geometry.steps": 3}', wait=True)
    assert '"settings": {"geometry.steps": 3}' in bpy.context.object.facewright.steps[0].document
    for wrong in ("{", "[]", "3"):
        with pytest.raises(RuntimeError, match="no JSON object"):
            bpy.ops.facewright.generate(prompt="a man", settings=wrong, wait=True)


def test_another_seed_is_another_and_the_backend_gives_its_memory_back_when_asked(pump):
    assert not bpy.ops.facewright.free_memory.poll()
    bpy.ops.facewright.another_seed()
    seed = bpy.context.scene.facewright_ui.seed
    bpy.ops.facewright.another_seed()
    assert bpy.context.scene.facewright_ui.seed != seed
    bpy.ops.facewright.generate(prompt="a man", wait=True)
    assert bpy.ops.facewright.free_memory() == {"FINISHED"}
    assert bpy.ops.facewright.generate(prompt="a man", wait=True) == {"FINISHED"}


def test_candidates_are_roots_of_one_head_with_seeds_one_after_the_other(pump):
    bpy.ops.facewright.generate(prompt="a man", seed=5, candidates=3, settings='{"geometry.steps": 3}', wait=True)
    (found,) = bpy.data.objects
    assert [(step.seed, step.parent_uid) for step in found.facewright.steps] == [(5, ""), (6, ""), (7, "")]
    assert all('{"geometry.steps": 3}' in step.document for step in found.facewright.steps)
    bpy.ops.facewright.generate(prompt="older", from_chosen=True, candidates=2, wait=True)
    third = found.facewright.steps[2].uid
    assert [step.parent_uid for step in found.facewright.steps][3:] == [third, third]


def test_a_head_at_rest_becomes_the_face_unless_a_hand_has_changed_it(pump, monkeypatch):
    heads = sys.modules[f"{PACKAGE}.ui.heads"]
    monkeypatch.setattr(heads, "EMBEDDED", "toy")
    monkeypatch.setattr(heads, "entries", lambda: {"toy": {}})
    bpy.context.scene.facewright_ui.head = "toy"
    bpy.ops.facewright.new_head()
    found = bpy.context.object
    bpy.ops.facewright.generate(prompt="a man", candidates=2, wait=True)
    assert list(bpy.data.objects) == [found]
    assert [step.parent_uid for step in found.facewright.steps] == ["", ""]
    assert found.active_material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].links
    bpy.ops.facewright.new_head()
    bpy.context.object.data.shape_keys.key_blocks[0].points[0].co.x += 0.01
    bpy.ops.facewright.generate(prompt="a woman", wait=True)
    assert len(bpy.data.objects) == 3


def test_a_cancelled_or_failed_job_takes_its_candidates_along(pump, timers):
    bpy.ops.facewright.generate(prompt="slow", candidates=3, wait=False)
    timers.pump(until=lambda: pump.state.job.total > 0)
    bpy.ops.facewright.cancel()
    timers.pump(until=lambda: pump.state.job is None)
    assert pump.state.queue == []
    with pytest.raises(RuntimeError, match="E320"):
        bpy.ops.facewright.generate(prompt="nan", candidates=3, wait=True)
    assert pump.state.queue == []
    assert not bpy.data.objects


def test_an_edit_can_be_locked_to_what_was_painted(pump):
    bpy.ops.facewright.generate(prompt="a man", wait=True)
    bpy.ops.facewright.edit(instruction="older", mask="group", wait=True)
    assert '"name": "masked"' in bpy.context.object.facewright.steps[1].document
    with pytest.raises(RuntimeError, match="no vertex paint"):
        bpy.ops.facewright.edit(instruction="older", mask="paint", wait=True)
    assert pump.state.job is None


def test_an_edit_goes_on_from_a_reopened_file_alone(pump, tmp_path):
    bpy.ops.facewright.generate(prompt="a woman", wait=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    pump.close()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.facewright.edit(instruction="older", wait=True)
    assert [step.kind for step in bpy.context.object.facewright.steps] == ["generate", "edit"]


def test_without_wait_the_timer_brings_the_face_and_no_tick_is_long(pump, timers):
    bpy.context.scene.facewright_ui.prompt = "a man"
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.facewright.generate(wait=False) == {"FINISHED"}
    assert not bpy.data.objects
    assert not bpy.ops.facewright.generate.poll()
    slowest = timers.pump(until=lambda: pump.state.job is None)
    assert len(bpy.data.objects) == 1
    assert slowest < 0.5  # seconds, on a busy machine; nearly all of it is the one that adds the head
    bpy.ops.ed.undo()
    assert not bpy.data.objects


def test_a_face_that_came_while_the_head_was_edited_by_hand_waits(pump, timers):
    bpy.ops.facewright.generate(prompt="a man", wait=True)
    found = bpy.context.object
    bpy.ops.facewright.edit(instruction="older", wait=False)
    bpy.ops.object.mode_set(mode="EDIT")
    timers.pump(until=lambda: pump.state.job.end is not None)
    timers.pump(until=lambda: pump.blocked() != "")
    assert len(found.facewright.steps) == 1
    bpy.ops.object.mode_set(mode="OBJECT")
    timers.pump(until=lambda: pump.state.job is None)
    assert len(bpy.context.object.facewright.steps) == 2


def test_a_face_for_a_deleted_head_is_kept_and_its_place_told(pump, timers):
    bpy.ops.facewright.generate(prompt="a man", wait=True)
    bpy.ops.facewright.edit(instruction="older", wait=False)
    bpy.data.objects.remove(bpy.context.object)
    timers.pump(until=lambda: pump.state.job is None)
    kept = Path(pump.state.failure.advice.split("import ")[1].split(" as a new")[0])
    assert bpy.ops.facewright.import_face(filepath=str(kept)) == {"FINISHED"}


def test_cancel_leaves_the_scene_as_it_was(pump, timers):
    bpy.ops.facewright.generate(prompt="slow", wait=False)
    timers.pump(until=lambda: pump.state.job.total > 0)
    assert bpy.ops.facewright.cancel() == {"FINISHED"}
    timers.pump(until=lambda: pump.state.job is None)
    assert pump.state.failure.title == "Cancelled"
    assert not bpy.data.objects
    assert not bpy.ops.facewright.cancel.poll()


@pytest.mark.parametrize(
    ("prompt", "says"),
    [("  ", "E301"), ("nan", r"E320 .*another seed"), ("crash", "E411"), ("outside", "E404")],
)
def test_what_goes_wrong_is_told_by_number_and_changes_nothing(pump, prompt, says):
    with pytest.raises(RuntimeError, match=says):
        bpy.ops.facewright.generate(prompt=prompt, wait=True)
    assert not bpy.data.objects
    assert pump.state.job is None


@needs_torch
def test_a_job_that_its_backend_stopped_in_goes_on_from_its_journal(pump):
    with pytest.raises(RuntimeError, match="E411"):
        bpy.ops.facewright.generate(prompt="break off", wait=True)
    assert bpy.ops.facewright.go_on(wait=True) == {"FINISHED"}
    assert bpy.context.object.facewright.steps[0].name == "break off"
    assert not bpy.ops.facewright.go_on.poll()


@needs_torch
def test_what_a_crash_left_is_forgotten_with_its_message(pump):
    with pytest.raises(RuntimeError, match="E411"):
        bpy.ops.facewright.generate(prompt="break off", wait=True)
    left = pump.state.desk.folder(pump.state.broken_off)
    bpy.ops.facewright.dismiss()
    assert not left.exists()
    assert not bpy.ops.facewright.go_on.poll()


def test_the_next_job_after_a_crash_works(pump):
    with pytest.raises(RuntimeError, match="E411"):
        bpy.ops.facewright.generate(prompt="crash", wait=True)
    assert bpy.ops.facewright.generate(prompt="a man", wait=True) == {"FINISHED"}


def test_the_version_is_the_manifests(pump):
    from backend import __version__

    assert pump.version() == __version__
    assert f'version = "{__version__}"' in (ROOT / "addon" / "blender_manifest.toml").read_text("utf-8")


def test_another_file_opened_or_an_undo_during_a_job_loses_no_face(pump, timers):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.facewright.generate(prompt="a man", wait=True)
    for meanwhile in (bpy.ops.ed.undo, lambda: bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)):
        bpy.ops.facewright.edit(instruction="older", wait=False)
        meanwhile()
        assert not bpy.data.objects
        timers.pump(until=lambda: pump.state.job is None)
        assert pump.state.failure.code == 501
        kept = pump.state.failure.advice.split("import ")[1].split(" as a new")[0]
        assert bpy.ops.facewright.import_face(filepath=kept) == {"FINISHED"}
    assert [step.name for step in bpy.context.object.facewright.steps][-1] == "older"
