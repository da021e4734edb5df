"""The add-on in the real Blender of the bpy wheel, with settings and folders of its own."""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="facewright_test_blender_")  # before bpy
import bpy  # first: it brings addon_utils

# isort: split
import addon_utils
import pytest

from backend.face.saved import save
from tests.toys import toy_face, toy_layer, toy_topology, write_head

ROOT = Path(__file__).parents[2]
PACKAGE = "bl_ext.user_default.facewright"


@pytest.fixture(scope="session")
def extension():
    """The checkout's add-on, enabled as Blender enables an installed one."""
    repository = Path(bpy.utils.user_resource("EXTENSIONS", path="user_default", create=True))
    (repository / "facewright").symlink_to(ROOT / "addon", target_is_directory=True)
    bpy.ops.preferences.addon_enable(module=PACKAGE)
    assert PACKAGE in bpy.context.preferences.addons, "the add-on did not register; see the traceback above"
    yield sys.modules[PACKAGE]
    addon_utils.disable(PACKAGE, default_set=True)


@pytest.fixture
def toy_head(extension, tmp_path, monkeypatch):
    """An empty scene, and a folder in which the add-on finds the toy head."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    write_head(toy_topology(), tmp_path / "heads" / "toy.npz")
    monkeypatch.setattr(sys.modules[f"{PACKAGE}.scene.places"], "EMBEDDED", (tmp_path / "heads",))
    return extension


@pytest.fixture
def faces(tmp_path):
    """A saved face and an edit of it."""
    face = toy_face()
    first = save(face, tmp_path / "faces" / "first")
    parent = json.loads((first / "face.json").read_text(encoding="utf-8"))["id"]
    layer = toy_layer()
    changed = {**vars(face), "layers": (layer,), "kind": "edit", "instruction": layer.instruction}
    second = save(type(face)(**{**changed, "parent": parent}), tmp_path / "faces" / "second")
    return first, second


class TimerPump:
    """Stands in for bpy.app.timers, which never fire without a window, and fires on demand."""

    def __init__(self):
        self.due = {}

    def register(self, function, *, first_interval=0.0, persistent=False):
        self.due[function] = time.monotonic() + first_interval

    def unregister(self, function):
        del self.due[function]

    def is_registered(self, function):
        return function in self.due

    def pump(self, until, seconds=20.0):
        """Fires what is due until `until()`; returns the seconds the slowest call took."""
        slowest, end = 0.0, time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, "the pump waited in vain"
            for function, due in list(self.due.items()):
                if due <= time.monotonic():
                    began = time.monotonic()
                    again = function()
                    slowest = max(slowest, time.monotonic() - began)
                    self.due.pop(function)
                    if again is not None:
                        self.due[function] = time.monotonic() + again
            time.sleep(0.002)
        return slowest


@pytest.fixture
def timers(monkeypatch):
    stand_in = TimerPump()
    for name in ("register", "unregister", "is_registered"):
        monkeypatch.setattr(bpy.app.timers, name, getattr(stand_in, name))
    return stand_in
