"""The sidebar tab, drawn into a layout that takes notes, and what enabling leaves behind."""

import re
import sys
from types import SimpleNamespace

import addon_utils
import bpy
import pytest

from backend.errors import PackageMissing

from .conftest import PACKAGE, ROOT

PANELS = ("main", "create", "edit", "layers", "history", "face", "expressions", "textures", "export", "help")


class Notes:
    """A layout that writes down what is drawn; every sub-layout is itself."""

    def __init__(self):
        self.calls = []
        self.disabled = []

    def __getattr__(self, name):
        def called(*words, **options):
            self.calls.append((name, words, options))
            return self

        return called

    def __setattr__(self, name, value):
        if name == "enabled" and not value:
            self.disabled.append(len(self.calls))
        super().__setattr__(name, value)

    def panel(self, *words, **options):
        self.calls.append(("panel", words, options))
        return self, self

    def texts(self):
        return [words["text"] for _, _, words in self.calls if words.get("text")]

    def said(self):
        """All texts as one, however they are broken into lines."""
        return " ".join(self.texts())

    def operators(self):
        return [words[0] for name, words, _ in self.calls if name == "operator"]


@pytest.fixture
def pump(toy_head):
    module = sys.modules[f"{PACKAGE}.ui.pump"]
    yield module
    module.state.job, module.state.failure = None, None


def draw(name):
    panel = getattr(bpy.types, f"FACEWRIGHT_PT_{name}")
    notes = Notes()
    if getattr(panel, "poll", lambda context: True)(bpy.context):
        panel.draw(SimpleNamespace(layout=notes), bpy.context)
    return notes


def test_every_panel_draws_in_an_empty_scene(pump):
    for name in PANELS:
        draw(name)
        panel = getattr(bpy.types, f"FACEWRIGHT_PT_{name}")
        assert name == "main" or panel.bl_parent_id == "FACEWRIGHT_PT_main"
    assert "Ready" in draw("main").texts()
    assert draw("history").calls == []


def test_without_words_the_button_is_off(pump):
    notes = draw("create")
    assert notes.disabled
    assert "Write what the face should look like" in notes.said()
    bpy.context.scene.facewright_ui.prompt = "an old sailor"
    notes = draw("create")
    assert not notes.disabled
    assert notes.operators()[-1] == "facewright.generate"


def test_words_the_networks_do_not_know_are_marked_and_can_be_dropped(pump):
    bpy.context.scene.facewright_ui.prompt = "an old sailor with a long nose"
    notes = draw("create")
    marked = [words for name, words, options in notes.calls if options.get("icon") == "ERROR"]
    assert marked == [("facewright.drop_word",)]
    assert "sailor" in notes.texts()
    bpy.ops.facewright.drop_word(word="sailor")
    assert bpy.context.scene.facewright_ui.prompt == "an old with a long nose"
    bpy.ops.facewright.add_words(words="red lips")
    assert bpy.context.scene.facewright_ui.prompt == "an old with a long nose, red lips"
    assert "red lips" in draw("words").texts()


def test_the_edit_panel_says_what_it_understood(pump, faces):
    bpy.ops.facewright.import_face(filepath=str(faces[0]))
    bpy.context.scene.facewright_ui.instruction = "make his lips red"
    assert "texture: lips" in draw("edit").texts()


def test_a_job_shows_its_phase_and_cancel_in_the_buttons_place(pump):
    desk = sys.modules[f"{PACKAGE}.link.desk"]
    pump.state.job = desk.Job("generate", "a man", phase="geometry", step=3, total=10)
    assert any(text.startswith("geometry 30 %, 0:0") for text in draw("main").texts())
    assert draw("create").operators()[-1] == "facewright.cancel"
    assert draw("edit").operators() == ["facewright.edit"]
    assert "Cancel" in draw("create").texts()


def test_an_error_shows_number_cause_advice_and_its_fix(pump):
    pump.state.failure = PackageMissing("torch is not there", advice="install it")
    notes = draw("main")
    assert "E104 A package is missing torch is not there install it" in notes.said()
    assert "facewright.set_up" in notes.operators()


def test_the_history_of_the_chosen_head_is_listed(pump, faces):
    bpy.ops.facewright.import_face(filepath=str(faces[0]))
    notes = draw("history")
    (listed,) = [words for name, words, _ in notes.calls if name == "template_list"]
    assert listed[2] == bpy.context.object.facewright
    row = Notes()
    step = bpy.context.object.facewright.steps[0]
    bpy.types.FACEWRIGHT_UL_steps.draw_item(None, bpy.context, row, listed[2], step, 0, None, "", 0)
    assert row.texts() == ["an old sailor"]
    assert [name for name, _, words in row.calls if words.get("icon") == "SOLO_OFF"] == ["prop"]


def test_every_operator_says_what_it_does(extension):
    named = [name.split("_OT_")[1] for name in dir(bpy.types) if name.startswith("FACEWRIGHT_OT_")]
    assert len(named) > 6
    for name in named:
        described = getattr(bpy.ops.facewright, name).get_rna_type().description
        assert len(described) > 20
        assert not described.endswith(".")


def test_enabling_again_and_again_leaves_and_starts_nothing(extension):
    started = []
    watched = ("subprocess.Popen", "socket.__new__", "os.mkdir", "_thread.start_new_thread")
    watching = True

    def watch(event, arguments):
        if watching and event in watched and ".cache" not in str(arguments):  # that one is Blender's own
            started.append((event, arguments))

    sys.addaudithook(watch)
    for _ in range(3):
        addon_utils.disable(PACKAGE, default_set=True)
        assert not [name for name in dir(bpy.types) if name.startswith("FACEWRIGHT")]
        assert not hasattr(bpy.types.Object, "facewright")
        assert not hasattr(bpy.types.Scene, "facewright_ui")
        bpy.ops.preferences.addon_enable(module=PACKAGE)
    watching = False
    assert started == []
    assert hasattr(bpy.types, "FACEWRIGHT_OT_generate")


def test_every_icon_is_one_of_this_blenders(extension):
    there = {one.identifier for one in bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items}
    source = "".join(path.read_text("utf-8") for path in (ROOT / "addon" / "ui").glob("*.py"))
    named = set(re.findall(r'icon="([A-Z0-9_]+)"', source))
    for kinds in re.findall(r"_ICONS = \{(.*?)\}", source, re.DOTALL):
        named |= set(re.findall(r': "([A-Z0-9_]+)"', kinds))
    assert len(named) > 30
    assert named <= there
