"""Presets of the user's own, as files and in the sidebar."""

import json
import sys

import bpy
import pytest

from addon.link.bundle import errors
from addon.session import presets

from .conftest import PACKAGE
from .test_operators import pump  # noqa: F401 - a fixture
from .test_panels import Notes, draw


@pytest.fixture
def shelf(pump, tmp_path, monkeypatch):  # noqa: F811
    """The panel's presets, kept in a folder of this test."""
    module = sys.modules[f"{PACKAGE}.ui.presets"]
    monkeypatch.setattr(module, "folder", lambda: tmp_path)
    module.own.cache_clear()
    yield module
    module.own.cache_clear()


def test_the_sidebar_offers_every_built_in_preset(shelf):
    assert shelf.BUILT_IN.keys() == set(presets.BUILT_IN)


@pytest.mark.parametrize("base", presets.BUILT_IN)
def test_every_field_of_every_built_in_preset_comes_back_from_a_file(base, tmp_path):
    fields = presets.fields(base)
    assert {"geometry.steps", "edit_texture.guidance_scale", "edit.route"} <= fields.keys()
    whole = presets.checked("whole", base, {key: str(value) for key, value in fields.items()})
    assert whole.changes == fields
    assert presets.read(presets.save(whole, tmp_path)) == whole
    assert presets.listed(tmp_path) == [whole]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is no preset"),
        ('{"schema": 2, "base": "paper", "settings": {}}', "schema 2"),
        ('{"schema": 1, "base": "paper", "settings": []}', "is no preset"),
        ('{"schema": 1, "base": "none", "settings": {}}', "no preset 'none'"),
        ('{"schema": 1, "base": "paper", "settings": {"geometry.stps": 3}}', "no setting"),
        ('{"schema": 1, "base": "paper", "settings": {"geometry.steps": "many"}}', "is a int"),
    ],
)
def test_what_is_no_preset_is_refused_and_not_listed(content, says, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(errors.UsageError, match=says):
        presets.read(path)
    assert presets.listed(tmp_path) == []


@pytest.mark.parametrize("name", ["", "paper", "../mine", "a/b", "mine ", ".mine", "x" * 41])
def test_a_name_must_be_a_files_and_no_built_in_presets(name):
    with pytest.raises(errors.UsageError, match="cannot be called"):
        presets.checked(name, "paper", {})


def test_what_the_panel_changes_is_saved_chosen_and_deleted(shelf, tmp_path):
    drafts = bpy.context.scene.facewright_ui
    assert not bpy.ops.facewright.save_preset.poll()
    bpy.ops.facewright.choose_preset(name="paper")
    bpy.ops.facewright.change_setting(setting="geometry.steps")
    assert drafts.settings["geometry.steps"].value == str(presets.fields("paper")["geometry.steps"])
    drafts.settings["geometry.steps"].value = "7"
    assert {"geometry: steps", "Paper *"} <= set(draw("create").texts())
    bpy.ops.facewright.save_preset(name="quick")
    assert json.loads((tmp_path / "quick.json").read_text())["settings"] == {"geometry.steps": 7}
    assert (drafts.preset, len(drafts.settings)) == ("quick", 0)
    menu = Notes()
    bpy.types.FACEWRIGHT_MT_presets.draw(type("Self", (), {"layout": menu}), bpy.context)
    assert menu.texts() == ["Recommended", "Released", "Paper", "quick"]
    bpy.ops.facewright.delete_preset(name="quick")
    assert (drafts.preset, list(tmp_path.glob("*.json"))) == ("recommended", [])


def test_a_preset_of_another_computer_is_loaded(shelf, tmp_path):
    (tmp_path / "theirs").mkdir()
    path = presets.save(presets.checked("theirs", "released", {"texture.steps": 9}), tmp_path / "theirs")
    bpy.ops.facewright.load_preset(filepath=str(path))
    assert [one.name for one in shelf.own()] == ["theirs"]


def made_with():
    """Preset and settings of the newest step of the only head."""
    document = json.loads(bpy.context.object.facewright.steps[-1].document)
    return document["preset"], document["settings"]


def test_the_chosen_preset_and_its_changes_reach_the_job(shelf, tmp_path):
    presets.save(presets.checked("quick", "paper", {"geometry.steps": 7, "texture.steps": 8}), tmp_path)
    bpy.ops.facewright.choose_preset(name="quick")
    bpy.ops.facewright.change_setting(setting="texture.steps", value="5")
    bpy.ops.facewright.generate(prompt="a man", wait=True)
    assert made_with() == ("paper", {"geometry.steps": 7, "texture.steps": 5})
    bpy.ops.facewright.drop_setting(setting="texture.steps")
    bpy.ops.facewright.edit(instruction="older", wait=True)
    assert made_with() == ("paper", {"geometry.steps": 7, "texture.steps": 8})
    bpy.ops.facewright.edit(instruction="older", preset="released", settings='{"edit_texture.steps": 2}', wait=True)
    assert made_with() == ("released", {"edit_texture.steps": 2})


def test_a_preset_that_is_not_here_and_a_wrong_value_are_told_before_anything_begins(shelf, pump):  # noqa: F811
    drafts = bpy.context.scene.facewright_ui
    drafts.preset = "of another computer"
    with pytest.raises(RuntimeError, match=r"E303 .*no preset is called 'of another computer'"):
        bpy.ops.facewright.generate(prompt="a man", wait=True)
    bpy.ops.facewright.choose_preset(name="recommended")
    with pytest.raises(RuntimeError, match=r"geometry\.steps is a int"):
        bpy.ops.facewright.change_setting(setting="geometry.steps", value="many")
    bpy.ops.facewright.change_setting(setting="geometry.steps")
    drafts.settings[0].value = "many"
    with pytest.raises(RuntimeError, match=r"geometry\.steps is a int"):
        bpy.ops.facewright.generate(prompt="a man", wait=True)
    assert not bpy.data.objects
