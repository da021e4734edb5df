"""Whatever the state of Blender: what is asked and drawn without being pressed, and what is left behind."""

import json
import sys
import threading
from pathlib import Path

import addon_utils
import bpy
import pytest

from .conftest import PACKAGE
from .test_panels import PANELS, Notes, draw

OPEN = Path("/proc/self/fd")
MODES = ("EDIT", "SCULPT", "VERTEX_PAINT", "WEIGHT_PAINT", "TEXTURE_PAINT")


def left() -> dict[str, object]:
    """What an add-on can leave behind in Blender and in the process."""
    handlers = {
        name: len(found) for name in dir(bpy.app.handlers) if isinstance(found := getattr(bpy.app.handlers, name), list)
    }
    keymaps = bpy.context.window_manager.keyconfigs.addon.keymaps
    return {
        "types": {name for name in dir(bpy.types) if "facewright" in name.lower()},
        "properties": {
            name
            for kind in (bpy.types.Object, bpy.types.Scene, bpy.types.WindowManager)
            for name in kind.bl_rna.properties.keys()  # noqa: SIM118 - no dict
        },
        "handlers": handlers,
        "keys": sorted(item.idname for keymap in keymaps for item in keymap.keymap_items),
        "menus": len(bpy.types.TOPBAR_MT_file_import._dyn_ui_initialize()),
        "threads": {thread.name for thread in threading.enumerate()},
        "files": sum(1 for _ in OPEN.iterdir()) if OPEN.is_dir() else 0,
    }


def test_disabling_leaves_nothing_behind(extension):
    addon_utils.disable(PACKAGE, default_set=True)
    before = left()
    for _ in range(3):
        bpy.ops.preferences.addon_enable(module=PACKAGE)
        assert left()["types"]
        addon_utils.disable(PACKAGE, default_set=True)
    assert left() == before
    bpy.ops.preferences.addon_enable(module=PACKAGE)


@pytest.fixture
def pump(toy_head):
    module = sys.modules[f"{PACKAGE}.ui.pump"]
    yield module
    module.state.job, module.state.failure = None, None


def states(faces):
    """Puts Blender in one state after the other: no object, another's, a camera, a face, the face in every mode."""
    yield "nothing"
    bpy.ops.mesh.primitive_cube_add()
    yield "a cube"
    bpy.ops.object.camera_add()
    yield "a camera"
    bpy.context.view_layer.objects.active = None
    yield "no active object"
    for face in faces:
        bpy.ops.facewright.import_face(filepath=str(face))
    yield "a face"
    for mode in MODES:
        bpy.ops.object.mode_set(mode=mode)
        yield mode
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.object.facewright.active_uid = "gone"
    yield "a session that was tampered with"


def test_every_button_answers_whether_it_can_be_pressed_in_every_state(pump, faces):
    names = [name.split("_OT_")[1] for name in dir(bpy.types) if name.startswith("FACEWRIGHT_OT_")]
    for _ in states(faces):
        for name in names:
            assert getattr(bpy.ops.facewright, name).poll() in (True, False)


def test_every_panel_and_menu_draws_in_every_state_with_and_without_a_job(pump, faces):
    job = sys.modules[f"{PACKAGE}.link.desk"].Job
    menus = [getattr(bpy.types, name) for name in dir(bpy.types) if name.startswith("FACEWRIGHT_MT_")]
    for _ in states(faces):
        for running in (None, job("edit", "older", phase="texture", step=1, total=3), job("head", "ICT")):
            pump.state.job = running
            for name in PANELS:
                draw(name)
            for menu in menus:
                menu.draw(type("Self", (), {"layout": Notes()}), bpy.context)
        pump.state.job = None


def test_every_error_is_shown_with_its_number_and_title(pump):
    errors = sys.modules[f"{PACKAGE}.link.bundle"].errors
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.BackendError)]
    assert len(kinds) > 40
    for kind in kinds:
        pump.state.failure = kind("what happened", advice="what to do")
        said = draw("main").said()
        assert kind is errors.Cancelled or f"E{kind.code} {kind.title} what happened what to do" in said


def test_a_blender_without_the_addon_keeps_the_history(toy_head, faces, tmp_path):
    path = str(tmp_path / "kept.blend")
    for face, as_step in zip(faces, (False, True), strict=True):
        bpy.ops.facewright.import_face(filepath=str(face), as_step=as_step)
    bpy.ops.wm.save_as_mainfile(filepath=path)
    addon_utils.disable(PACKAGE, default_set=True)
    try:
        bpy.ops.wm.open_mainfile(filepath=path)
        assert json.loads(bpy.data.objects[0]["facewright_info"])["schema"]
        bpy.ops.wm.save_as_mainfile(filepath=path)
    finally:
        bpy.ops.preferences.addon_enable(module=PACKAGE)
    bpy.ops.wm.open_mainfile(filepath=path)
    (found,) = bpy.data.objects
    store = sys.modules[f"{PACKAGE}.scene.store"]
    for step, face in zip(found.facewright.steps, faces, strict=True):
        files = store.get(found.facewright, step).files
        assert all(files[name] == (face / name).read_bytes() for name in files)


def test_no_button_touches_what_is_the_users(toy_head, faces, tmp_path):
    for face, as_step in zip(faces, (False, True), strict=True):
        bpy.ops.facewright.import_face(filepath=str(face), as_step=as_step)
    head = bpy.context.object
    bpy.ops.mesh.primitive_cube_add()
    cube, scene = bpy.context.object, bpy.context.scene
    bpy.context.view_layer.objects.active = head

    def kept():
        settings = (scene.view_settings.view_transform, scene.display_settings.display_device, scene.render.engine)
        return settings, scene.frame_current, cube.matrix_world.copy(), bpy.context.mode, cube.select_get()

    before, first = kept(), head.facewright.steps[0].uid
    for press, words in (
        ("revert", {"uid": first}),
        ("set_sliders", {"values": '{"nose-long": 0.3}'}),
        ("set_sliders", {"values": '{"nose-long": 0.5}'}),
        ("expression", {"name": "smile"}),
        ("export", {"filepath": str(tmp_path / "head.glb"), "preset": "glb"}),
        ("save_texture", {"filepath": str(tmp_path / "skin.png")}),
        ("compact", {}),
    ):
        assert getattr(bpy.ops.facewright, press)(**words) == {"FINISHED"}, press
        assert kept() == before, press
        assert bpy.context.object == head
