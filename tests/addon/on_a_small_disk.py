"""Tests that `test_disks.py` runs with all folders on a disk of their own, in `FACEWRIGHT_TEST_DISK`."""

import os
import shutil
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import bpy
import numpy as np
import pytest

from .test_operators import pump  # noqa: F401 - a fixture
from .test_steps import positions

DISK = Path(os.environ.get("FACEWRIGHT_TEST_DISK", ""))
FULL, READ_ONLY = "E102 The disk is full", "E311 The folder cannot be written"


@contextmanager
def full(folder):
    with (DISK / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1 << 16)):
            pass
    try:
        yield
    finally:
        (DISK / "filler").unlink()


@contextmanager
def read_only(folder):
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


BAD = pytest.mark.parametrize(("bad", "says"), [(full, FULL), (read_only, READ_ONLY)])


@pytest.fixture
def head(pump):  # noqa: F811
    bpy.ops.facewright.generate(prompt="a man", wait=True)
    return bpy.context.object


@BAD
def test_the_first_job_says_so_and_works_afterwards(pump, bad, says):  # noqa: F811
    with bad(bpy.utils.user_resource("EXTENSIONS")), pytest.raises(RuntimeError, match=says):
        bpy.ops.facewright.generate(prompt="a man", wait=True)
    assert not bpy.data.objects
    assert bpy.ops.facewright.generate(prompt="a man", wait=True) == {"FINISHED"}


@BAD
def test_an_edit_says_so_changes_nothing_and_works_again_afterwards(head, pump, bad, says):  # noqa: F811
    before = positions(head)
    with bad(pump.state.desk.scratch), pytest.raises(RuntimeError, match=says):
        bpy.ops.facewright.edit(instruction="older", wait=True)
    assert len(head.facewright.steps) == 1
    np.testing.assert_array_equal(positions(head), before)
    assert bpy.ops.facewright.edit(instruction="older", wait=True) == {"FINISHED"}


@pytest.mark.filterwarnings("ignore:Setting the shape on a NumPy array")  # Blender 5.2's own FBX exporter
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file that glTF's exporter left open
@pytest.mark.parametrize(
    ("bad", "says", "preset"),
    [*((full, FULL, preset) for preset in ("glb", "usd", "obj", "blend")), (read_only, READ_ONLY, "fbx_unity")],
)
def test_what_was_exported_before_stays_whole(head, bad, says, preset):
    folder = DISK / "exports"
    bpy.ops.facewright.export(filepath=str(folder / "head"), preset=preset)
    before = contents(folder)
    with bad(folder), pytest.raises(RuntimeError, match=says):
        bpy.ops.facewright.export(filepath=str(folder / "head"), preset=preset)
    assert contents(folder) == before
    shutil.rmtree(folder)


@BAD
def test_a_saved_texture_stays_whole(head, bad, says):
    folder = DISK / "textures"
    bpy.ops.facewright.save_texture(filepath=str(folder / "albedo.png"))
    before = contents(folder)
    with bad(folder), pytest.raises(RuntimeError, match=says):
        bpy.ops.facewright.save_texture(filepath=str(folder / "albedo.png"))
    assert contents(folder) == before
    shutil.rmtree(folder)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_face_whose_folder_is_gone_is_a_named_error_and_the_next_job_works(head, pump, timers):  # noqa: F811
    bpy.ops.facewright.edit(instruction="older", wait=False)
    while pump.state.job.end is None:
        pump.state.desk.poll(0.01)
    shutil.rmtree(pump.state.desk.scratch)
    timers.pump(until=lambda: pump.state.job is None)
    assert pump.state.failure.code == 312
    assert len(head.facewright.steps) == 1
    assert bpy.ops.facewright.edit(instruction="older", wait=True) == {"FINISHED"}
