# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's maps, and the head in files: for other programs, for the asset browser, for Blender itself."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from ..link.bundle import errors, files
from ..scene import exporting, maps, material, steps, studio, view
from . import submitting
from .base import Explaining, FacePanel, SubPanel, has_face, has_head, wrapped
from .properties import MAP_SIZES, SIZE_SAID


class FACEWRIGHT_OT_export(Explaining, bpy.types.Operator):
    bl_idname = "facewright.export"
    bl_label = "Export Head"
    bl_description = "Write the chosen head as a file: a copy at the origin, in metres, with its expressions"
    bl_options = {"REGISTER"}

    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    preset: EnumProperty(
        name="Format",
        description="For which program",
        items=[(name, one.title, "") for name, one in exporting.PRESETS.items()],
        default="glb",
    )
    history: BoolProperty(name="History", description="Keep the steps, to go on editing (.blend only)", default=True)
    asset: BoolProperty(name="Asset", description="Mark it for the asset browser (.blend only)")
    with_studio: BoolProperty(name="Studio", description="Add camera, lights and a turntable (.blend only)")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_head(cls, context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if not self.filepath:
            self.filepath = bpy.path.clean_name(steps.require_head(context).name)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context: bpy.types.Context) -> None:
        found, path = steps.require_head(context), Path(bpy.path.abspath(self.filepath))
        if not self.filepath:
            raise errors.UsageError("no file was named", advice="choose where to write the head")
        if self.preset == "blend":
            kept = {"history": self.history, "asset": self.asset, "with_studio": self.with_studio}
            path = exporting.write_blend(found, path, **kept)
        else:
            path = exporting.write(found, path, exporting.PRESETS[self.preset])
        self.report({"INFO"}, f"Wrote {path}")


class FACEWRIGHT_OT_save_texture(Explaining, bpy.types.Operator):
    bl_idname = "facewright.save_texture"
    bl_label = "Save Texture"
    bl_description = "Write a map of the head as a PNG; the albedo as it is is written byte for byte"
    bl_options = {"REGISTER"}

    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    map: EnumProperty(
        name="Map",
        description="Which map is written",
        items=((maps.ALBEDO, "Albedo", "The skin's colour"), (maps.ROUGHNESS, "Roughness", "Where the skin shines")),
        options={"SKIP_SAVE"},
    )
    map_size: EnumProperty(name="Size", description=SIZE_SAID, items=MAP_SIZES, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_face(cls, context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        self.map_size = submitting.given(self, "map_size", context.scene.facewright_ui)
        self.filepath = f"{bpy.path.clean_name(steps.require_head(context).name)}_{self.map}.png"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context: bpy.types.Context) -> None:
        path = Path(bpy.path.abspath(self.filepath)).with_suffix(".png")
        size = int(submitting.given(self, "map_size", context.scene.facewright_ui))
        files.write_whole(path, maps.picture(steps.require_head(context), self.map, size))


class FACEWRIGHT_OT_mark_asset(Explaining, bpy.types.Operator):
    bl_idname = "facewright.mark_asset"
    bl_label = "Mark as Asset"
    bl_description = "Offer the head in the asset browser, with its words as description"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_head(cls, context)

    def act(self, context: bpy.types.Context) -> None:
        found = steps.require_head(context)
        exporting.mark(found, found)


class FACEWRIGHT_OT_add_studio(Explaining, bpy.types.Operator):
    bl_idname = "facewright.add_studio"
    bl_label = "Add Studio"
    bl_description = "Add a camera, three lights and, if wanted, a turntable about the head"
    bl_options = {"REGISTER", "UNDO"}

    azimuth: FloatProperty(name="Azimuth", description="Degrees from the front to the camera", default=30.0)
    turntable: BoolProperty(name="Turntable", description="Let camera and lights go once round the head", default=False)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_head(cls, context)

    def act(self, context: bpy.types.Context) -> None:
        studio.add(context.collection, context.scene, steps.require_head(context), self.azimuth, self.turntable)
        view.redraw()


class FACEWRIGHT_PT_textures(FacePanel, bpy.types.Panel):
    bl_label = "Textures"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, found = self.layout, steps.require_head(context)
        image = material.shown_image(found)
        if image is None:
            wrapped(layout, context, "No material of the head shows its texture", icon="INFO")
        else:
            _draw_map(layout, maps.ALBEDO, f"Albedo {image.size[0]} × {image.size[1]}")
        if maps.has_roughness(found):
            _draw_map(layout, maps.ROUGHNESS, "Roughness by region")
        layout.prop(context.scene.facewright_ui, "map_size")


def _draw_map(layout: bpy.types.UILayout, name: str, text: str) -> None:
    row = layout.row()
    row.label(text=text, icon="TEXTURE")
    row.operator(FACEWRIGHT_OT_save_texture.bl_idname, text="", icon="FILE_TICK").map = name


class FACEWRIGHT_PT_export(SubPanel, bpy.types.Panel):
    bl_label = "Export"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return steps.chosen_head(context) is not None

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        for name, preset in exporting.PRESETS.items():
            button = column.operator(FACEWRIGHT_OT_export.bl_idname, text=preset.title, icon="EXPORT")
            button.preset = name
        self.layout.operator(FACEWRIGHT_OT_mark_asset.bl_idname, icon="ASSET_MANAGER")
        self.layout.operator(FACEWRIGHT_OT_add_studio.bl_idname, icon="LIGHT_SUN")


CLASSES = (
    FACEWRIGHT_OT_export,
    FACEWRIGHT_OT_save_texture,
    FACEWRIGHT_OT_mark_asset,
    FACEWRIGHT_OT_add_studio,
    FACEWRIGHT_PT_textures,
    FACEWRIGHT_PT_export,
)
