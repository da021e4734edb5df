"""The set-up strip, with the real machine of states on a home of its own."""

import sys

import bpy
import pytest

from backend.errors import NoNetwork

from .conftest import PACKAGE
from .test_panels import draw


@pytest.fixture
def setting_up(toy_head, tmp_path, monkeypatch):
    module = sys.modules[f"{PACKAGE}.ui.setting_up"]
    monkeypatch.setattr(module.places, "home", lambda: tmp_path / "home")
    yield module
    module.close()


def test_the_strip_appears_only_where_no_backend_is_set_up(setting_up, monkeypatch):
    setting_up._look()
    assert "facewright.set_up" not in draw("main").operators()
    refused = setting_up.errors.InstallFailed("no packages")

    def absent():
        raise refused

    monkeypatch.setattr(setting_up.preferences, "backend_start", absent)
    setting_up._look()
    assert "facewright.set_up" in draw("main").operators()


def test_the_full_networks_are_offered_with_their_size_until_they_are_here(setting_up, monkeypatch):
    setting_up._look()
    assert "Full networks: 6.4 GB to fetch" in draw("create").said()
    assert "preferences.addon_show" in draw("create").operators()
    monkeypatch.setattr(setting_up.checkpoints, "state", lambda one: "installed")
    setting_up._look()
    assert "Full networks" not in draw("create").said()


def test_looking_says_what_would_come_and_offline_forbids_it(setting_up, timers):
    setting_up.state.ready = False
    assert bpy.ops.facewright.set_up() == {"FINISHED"}
    assert "Looking at this computer" in draw("main").texts()
    assert not bpy.ops.facewright.set_up.poll()
    timers.pump(until=lambda: setting_up.state.preview is not None, seconds=60)
    notes = draw("main")
    assert any("GB of disk" in text for text in notes.texts())
    assert setting_up.state.preview.faults  # Blender may not go online here
    assert not bpy.ops.facewright.install.poll()
    assert bpy.ops.facewright.stop_set_up() == {"FINISHED"}
    assert "facewright.set_up" in draw("main").operators()


def test_what_runs_shows_its_progress_and_can_be_stopped(setting_up, timers):
    def work(emit, cancelled):
        emit({"type": "progress", "phase": "fetching", "bytes": 30, "bytes_total": 120, "seconds_left": 9.0})
        while not cancelled():
            pass
        raise NoNetwork("the index does not answer", advice="try later")

    setting_up.begin("packages", work)
    timers.pump(until=lambda: bool(setting_up.state.event))
    assert "packages: fetching 25 %, 9 s" in draw("main").texts()
    bpy.ops.facewright.stop_set_up()
    timers.pump(until=lambda: setting_up.state.going is None)
    assert "E101 The package index does not answer the index does not answer try later" in draw("main").said()


def test_checkpoints_are_listed_with_size_and_licence(setting_up, monkeypatch):
    from .test_panels import Notes

    monkeypatch.setenv("FACEWRIGHT_HOME", "/nowhere")
    notes = Notes()
    setting_up.draw_checkpoints(notes)
    assert any(" MB, " in text for text in notes.texts())
    assert "facewright.fetch_checkpoint" in notes.operators()
