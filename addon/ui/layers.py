# SPDX-License-Identifier: GPL-3.0-or-later
"""The edits of the face the head shows: faded, muted, in another order, on another head."""

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty

from ..link.bundle import errors
from ..scene import steps
from . import dragging, live, submitting
from .base import Explaining, FacePanel, has_face, idle

KIND_ICONS = {"texture": "TEXTURE", "geometry": "MESH_DATA", "both": "MATERIAL"}


class OfLayers(submitting.Submitting, Explaining):
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not (idle(cls) and has_face(cls, context)):
            return False
        if '"layers": []' in steps.active_step(steps.require_head(context)).document:
            cls.poll_message_set("The face has no edits yet: edit it by instruction first")
            return False
        return True

    def require(self, number: int) -> bpy.types.PropertyGroup:
        """The layer of that number; raises errors.UsageError."""
        for one in live.values().layers:
            if one.number == number:
                return one
        raise errors.UsageError(f"no layer {number}", advice=f"the face has {len(live.values().layers)}")


class FACEWRIGHT_OT_set_layer(OfLayers, bpy.types.Operator):
    bl_idname = "facewright.set_layer"
    bl_label = "Set Layer"
    bl_description = "Fade or mute one edit of the face, as one step"
    bl_options = {"REGISTER"}

    number: IntProperty(name="Layer", default=1, min=1)
    strength: FloatProperty(name="Strength", default=1.0, min=0.0, max=2.0, options={"SKIP_SAVE"})
    muted: BoolProperty(name="Mute", options={"SKIP_SAVE"})

    def act(self, context: bpy.types.Context) -> None:
        dragging.in_step(context)
        layer = self.require(self.number)
        for name in ("strength", "muted"):
            if self.properties.is_property_set(name):
                setattr(layer, name, getattr(self, name))
        dragging.keep_layers(self)


class FACEWRIGHT_OT_move_layer(OfLayers, bpy.types.Operator):
    bl_idname = "facewright.move_layer"
    bl_label = "Move Layer"
    bl_description = "Put an edit over or under its neighbour, as one step"
    bl_options = {"REGISTER"}

    number: IntProperty(name="Layer", default=1, min=1)
    by: IntProperty(name="By", default=1, min=-64, max=64)

    def act(self, context: bpy.types.Context) -> None:
        dragging.in_step(context)
        self.require(self.number)
        assert live.state.stack is not None
        stack = live.state.stack.moved(self.number, self.by)
        order = [layer.number for layer in stack.layers]
        if order == sorted(order):
            raise errors.UsageError(f"layer {self.number} is at the end already")
        dragging.keep_layers(self, order)


class FACEWRIGHT_OT_copy_layers(OfLayers, bpy.types.Operator):
    bl_idname = "facewright.copy_layers"
    bl_label = "Copy Edits to Head"
    bl_description = "Put the edits of this face on another head of the same model, as one step of that"
    bl_options = {"REGISTER"}

    target: StringProperty(name="Head", description="The object that gets the edits")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self)

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.prop_search(self, "target", context.scene, "objects")

    def act(self, context: bpy.types.Context) -> None:
        source, target = steps.require_head(context), context.scene.objects.get(self.target)
        if target is None or not target.facewright.steps or target == source:
            raise errors.UsageError(f"{self.target!r} is no other head with a face", advice="choose one from the list")
        job = submitting.job_on(target, "layers", f"edits of {source.name}")
        submitting.write_parent(source, job, "source")
        submitting.run(self, job, {"face": f"{job.id}/source", "copy_to": f"{job.id}/parent"})


class FACEWRIGHT_UL_layers(bpy.types.UIList):
    """One row a layer: what it is, how strong, whether it shows."""

    def draw_item(self, _context, layout, _live, layer, _icon, _active_data, _active_name, _index) -> None:
        split = layout.split(factor=0.6, align=True)
        split.label(text=layer.name, icon=KIND_ICONS.get(layer.kind, "MODIFIER"), translate=False)
        row = split.row(align=True)
        strength = row.row(align=True)
        strength.active = not layer.muted
        strength.prop(layer, "strength", text="", slider=True)
        row.prop(layer, "muted", text="", icon="HIDE_ON" if layer.muted else "HIDE_OFF", emboss=False)


class FACEWRIGHT_PT_layers(FacePanel, bpy.types.Panel):
    bl_label = "Layers"

    def draw(self, context: bpy.types.Context) -> None:
        layout, shown = self.layout, live.values()
        if not live.current(context):
            layout.label(text="Reading the face")
            return
        if not shown.layers:
            layout.label(text="Edits appear here", icon="INFO")
            return
        row = layout.row()
        row.template_list("FACEWRIGHT_UL_layers", "", shown, "layers", shown, "chosen", rows=3)
        column = row.column(align=True)
        chosen = shown.layers[min(shown.chosen, len(shown.layers) - 1)]
        for by, icon in ((-1, "TRIA_UP"), (1, "TRIA_DOWN")):
            button = column.operator(FACEWRIGHT_OT_move_layer.bl_idname, text="", icon=icon)
            button.number, button.by = chosen.number, by
        column.operator(FACEWRIGHT_OT_copy_layers.bl_idname, text="", icon="COPYDOWN")


CLASSES = (
    FACEWRIGHT_OT_set_layer,
    FACEWRIGHT_OT_move_layer,
    FACEWRIGHT_OT_copy_layers,
    FACEWRIGHT_UL_layers,
    FACEWRIGHT_PT_layers,
)
