# SPDX-License-Identifier: GPL-3.0-or-later
"""How faces are made: a preset, settings of it taken otherwise, and presets of the user's own."""

from functools import cache
from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ..link.bundle import errors
from ..scene import places
from ..session import presets
from .base import Explaining

BUILT_IN = {  # title, and what the tooltip says
    "recommended": ("Recommended", "Our own numbers"),
    "released": ("Released", "What FaceG2E's code does, for comparison"),
    "paper": ("Paper", "What FaceG2E's paper says, for comparison"),
}


def folder() -> Path:
    return places.user_folder("presets")


@cache
def own() -> tuple[presets.Preset, ...]:
    """The user's presets, read when they are first shown and after each change of them."""
    return tuple(presets.listed(folder()))


def named(name: str) -> presets.Preset:
    """A built-in preset or one of the user's.

    Raises:
        errors.UnknownOption: there is none of that name, as in a file from another computer.
        errors.UsageError: its file is damaged.
    """
    if name in presets.BUILT_IN:
        return presets.Preset(name, name)
    if Path(name).name == name and (path := folder() / f"{name}.json").is_file():
        return presets.read(path)
    raise errors.UnknownOption(
        f"no preset is called {name!r} here", advice="choose another in the Create panel, or load it in the preferences"
    )


def changes(drafts: bpy.types.PropertyGroup) -> dict[str, Any]:
    """What the panel takes otherwise than the preset.

    Raises:
        errors.UnknownOption: a value is of another kind than its setting.
    """
    base = named(drafts.preset).base
    return dict(presets.checked("these", base, {one.name: one.value for one in drafts.settings}).changes)


def value_of(drafts: bpy.types.PropertyGroup, setting: str) -> Any:
    """What the chosen preset says of a setting."""
    chosen = named(drafts.preset)
    return presets.fields(chosen.base)[setting] if setting not in chosen.changes else chosen.changes[setting]


class FACEWRIGHT_OT_choose_preset(bpy.types.Operator):
    bl_idname = "facewright.choose_preset"
    bl_label = "Choose Preset"
    bl_description = "Make and edit faces with this preset as it is; what was changed of another is dropped"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    name: StringProperty(options={"SKIP_SAVE"})

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        return bpy.app.translations.pgettext_tip(BUILT_IN.get(properties.name, ("", cls.bl_description))[1])

    def execute(self, context: bpy.types.Context) -> set[str]:
        drafts = context.scene.facewright_ui
        drafts.preset = self.name
        drafts.settings.clear()
        return {"FINISHED"}


def _every_setting(_operator: bpy.types.Operator, _context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
    return _settings_items()


@cache  # Blender does not hold on to the texts
def _settings_items() -> list[tuple[str, str, str]]:
    return [(key, key.replace(".", ": ").replace("_", " "), "") for key in presets.fields(presets.DEFAULT)]


class FACEWRIGHT_OT_change_setting(Explaining, bpy.types.Operator):
    bl_idname = "facewright.change_setting"
    bl_label = "Change a Setting"
    bl_description = "Take one of the preset's numbers otherwise, such as geometry.steps"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}
    bl_property = "setting"

    setting: EnumProperty(name="Setting", items=_every_setting)
    value: StringProperty(name="Value", description="Empty: what the preset says", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.invoke_search_popup(self)
        return {"RUNNING_MODAL"}

    def act(self, context: bpy.types.Context) -> None:
        drafts = context.scene.facewright_ui
        value = self.value or str(value_of(drafts, self.setting))
        presets.checked("this", named(drafts.preset).base, {self.setting: value})
        one = drafts.settings.get(self.setting) or drafts.settings.add()
        one.name, one.value = self.setting, value


class FACEWRIGHT_OT_drop_setting(bpy.types.Operator):
    bl_idname = "facewright.drop_setting"
    bl_label = "Drop Setting"
    bl_description = "Take this setting as the preset says again"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    setting: StringProperty(options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        drafts = context.scene.facewright_ui
        drafts.settings.remove(drafts.settings.find(self.setting))
        return {"FINISHED"}


class FACEWRIGHT_OT_save_preset(Explaining, bpy.types.Operator):
    bl_idname = "facewright.save_preset"
    bl_label = "Save Preset"
    bl_description = "Keep the preset with what is changed of it under a name of its own, for all files"

    name: StringProperty(name="Name", default="My preset")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not context.scene.facewright_ui.settings:
            cls.poll_message_set("Change a setting first")
            return False
        return True

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self)

    def act(self, context: bpy.types.Context) -> None:
        drafts = context.scene.facewright_ui
        chosen = named(drafts.preset)
        presets.save(presets.checked(self.name, chosen.base, {**chosen.changes, **changes(drafts)}), folder())
        own.cache_clear()
        drafts.preset = self.name
        drafts.settings.clear()


class FACEWRIGHT_OT_load_preset(Explaining, bpy.types.Operator):
    bl_idname = "facewright.load_preset"
    bl_label = "Load Preset"
    bl_description = "Copy a preset's file, as another computer has saved it, to your own"

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, _context: bpy.types.Context) -> None:
        presets.save(presets.read(Path(bpy.path.abspath(self.filepath))), folder())
        own.cache_clear()


class FACEWRIGHT_OT_delete_preset(Explaining, bpy.types.Operator):
    bl_idname = "facewright.delete_preset"
    bl_label = "Delete Preset"
    bl_description = "Delete this preset's file; faces that were made with it stay as they are"

    name: StringProperty(options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def act(self, context: bpy.types.Context) -> None:
        if self.name in presets.BUILT_IN:
            raise errors.UsageError(f"{self.name} is part of Facewright", advice="delete one of your own")
        named(self.name)
        (folder() / f"{self.name}.json").unlink(missing_ok=True)
        own.cache_clear()
        for scene in bpy.data.scenes:
            if scene.facewright_ui.preset == self.name:
                scene.facewright_ui.preset = presets.DEFAULT


class FACEWRIGHT_MT_presets(bpy.types.Menu):
    bl_label = "Preset"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        for name, (title, _) in BUILT_IN.items():
            layout.operator(FACEWRIGHT_OT_choose_preset.bl_idname, text=title).name = name
        if own():
            layout.separator()
        for one in own():
            layout.operator(FACEWRIGHT_OT_choose_preset.bl_idname, text=one.name, translate=False).name = one.name


def draw_choice(layout: bpy.types.UILayout, drafts: bpy.types.PropertyGroup) -> None:
    """Which preset; a star where it is not taken as it is."""
    row = layout.split(factor=0.3, align=True)
    row.label(text="Preset")
    title, _ = BUILT_IN.get(drafts.preset, (drafts.preset, ""))
    row.menu(FACEWRIGHT_MT_presets.__name__, text=f"{title} *" if drafts.settings else title)


def draw_changes(layout: bpy.types.UILayout, drafts: bpy.types.PropertyGroup) -> None:
    """What is taken otherwise, and how it becomes a preset."""
    column = layout.column(align=True)
    for one in drafts.settings:
        row = column.row(align=True)
        row.prop(one, "value", text=one.name.replace(".", ": ").replace("_", " "), translate=False)
        row.operator(FACEWRIGHT_OT_drop_setting.bl_idname, text="", icon="X").setting = one.name
    row = layout.row(align=True)
    row.operator(FACEWRIGHT_OT_change_setting.bl_idname, icon="ADD")
    if drafts.settings:
        row.operator(FACEWRIGHT_OT_save_preset.bl_idname, icon="FILE_TICK")


def draw_own(layout: bpy.types.UILayout) -> None:
    """The user's presets, in the preferences."""
    for one in own():
        row = layout.row(align=True)
        row.label(text=one.name, icon="PRESET", translate=False)
        row.label(text=", ".join(f"{key} {value}" for key, value in one.changes.items()), translate=False)
        row.operator(FACEWRIGHT_OT_delete_preset.bl_idname, text="", icon="TRASH").name = one.name
    if not own():
        layout.label(text="Change a setting in the Create panel, under More, and save it", icon="INFO")
    layout.operator(FACEWRIGHT_OT_load_preset.bl_idname, icon="IMPORT")


CLASSES = (
    FACEWRIGHT_OT_choose_preset,
    FACEWRIGHT_OT_change_setting,
    FACEWRIGHT_OT_drop_setting,
    FACEWRIGHT_OT_save_preset,
    FACEWRIGHT_OT_load_preset,
    FACEWRIGHT_OT_delete_preset,
    FACEWRIGHT_MT_presets,
)
