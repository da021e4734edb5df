# SPDX-License-Identifier: GPL-3.0-or-later
"""The head model's semantic sliders: dragging moves the head at once, letting go makes one step."""

import json

import bpy
from bpy.props import StringProperty

from ..link.bundle import errors
from ..scene import bust, steps
from . import dragging, live
from .base import Explaining, HeadPanel, has_head, wrapped


class FACEWRIGHT_OT_set_sliders(Explaining, bpy.types.Operator):
    bl_idname = "facewright.set_sliders"
    bl_label = "Set Sliders"
    bl_description = "Move sliders of the face by name, as one step; for scripts"
    bl_options = {"REGISTER"}

    values: StringProperty(name="Values", description='As JSON, such as {"nose-hump-incr": 0.8}')

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_head(cls, context)

    def act(self, context: bpy.types.Context) -> None:
        try:
            wanted = {str(name): float(value) for name, value in json.loads(self.values).items()}
        except (ValueError, TypeError, AttributeError):
            raise errors.UsageError("the values are no JSON object", advice='such as {"nose-hump-incr": 0.8}') from None
        dragging.in_step(context)
        sliders = {one.name: one for one in live.values().sliders}
        if wrong := sorted(set(wanted) - set(sliders)):
            raise errors.UsageError(f"no slider {', '.join(wrong)}", advice="the Face panel lists them")
        for name, value in wanted.items():
            setattr(sliders[name], sliders[name].shown, value)
        dragging.keep_sliders()


class FACEWRIGHT_OT_reset_group(Explaining, bpy.types.Operator):
    bl_idname = "facewright.reset_group"
    bl_label = "Reset Group"
    bl_description = "Put the sliders of this group back where the mean head has them, as one step"
    bl_options = {"REGISTER"}

    group: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_head(cls, context)

    def act(self, context: bpy.types.Context) -> None:
        dragging.in_step(context)
        sliders = live.state.head.sliders if live.state.head else None
        if sliders is None:
            return
        for one, rest in zip(live.values().sliders, sliders.defaults, strict=True):
            if one.group == self.group:
                setattr(one, one.shown, float(rest))
        dragging.keep_sliders()


class FACEWRIGHT_OT_toggle_group(bpy.types.Operator):
    bl_idname = "facewright.toggle_group"
    bl_label = "Fold Sliders"
    bl_description = "Show or hide the sliders of this part of the face"
    bl_options = {"INTERNAL"}

    group: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, _context: bpy.types.Context) -> set[str]:
        shown = live.values()
        opened = set(shown.open_groups.split()) ^ {self.group}
        shown.open_groups = " ".join(sorted(opened))
        return {"FINISHED"}


class FACEWRIGHT_OT_add_shoulders(Explaining, bpy.types.Operator):
    bl_idname = "facewright.add_shoulders"
    bl_label = "Add Neck and Shoulders"
    bl_description = "Give this head neck and shoulders, which follow it; what you built on it stays"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_head(cls, context)

    def act(self, context: bpy.types.Context) -> None:
        steps.add_shoulders(steps.require_head(context))


class FACEWRIGHT_PT_face(HeadPanel, bpy.types.Panel):
    bl_label = "Face"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, shown = self.layout, live.values()
        if not live.current(context):
            layout.label(text="Reading the face")
            return
        if live.state.unread:
            wrapped(layout, context, live.state.unread, icon="ERROR")
            return
        found, head = steps.chosen_head(context), live.state.head
        if found is not None and head is not None and bust.missing(found, head):
            layout.operator(FACEWRIGHT_OT_add_shoulders.bl_idname, icon="ADD")
        if not shown.sliders:
            wrapped(layout, context, "This head model has no sliders", icon="INFO")
            return
        layout.prop(shown, "search", text="", icon="VIEWZOOM")
        wanted, opened = shown.search.lower(), set(shown.open_groups.split())
        still = head.sliders.still if head is not None and head.sliders is not None else frozenset()
        groups: dict[str, list] = {}
        for one in shown.sliders:
            if one.name not in still and (wanted in one.label.lower() or wanted in one.group):
                groups.setdefault(one.group, []).append(one)
        for group, members in groups.items():
            _draw_group(layout, group, members, bool(wanted) or group in opened)
        if not groups:
            wrapped(layout, context, "No slider is called that", icon="INFO")


def _draw_group(layout: bpy.types.UILayout, group: str, members: list, is_open: bool) -> None:
    row = layout.row()
    icon = "DISCLOSURE_TRI_DOWN" if is_open else "DISCLOSURE_TRI_RIGHT"
    text = group.capitalize()
    row.operator(FACEWRIGHT_OT_toggle_group.bl_idname, text=text, icon=icon, emboss=False).group = group
    row.operator(FACEWRIGHT_OT_reset_group.bl_idname, text="", icon="LOOP_BACK", emboss=False).group = group
    if is_open:
        column = layout.column(align=True)
        for one in members:
            column.prop(one, one.shown, text=one.label, slider=True)


CLASSES = (
    FACEWRIGHT_OT_set_sliders,
    FACEWRIGHT_OT_reset_group,
    FACEWRIGHT_OT_toggle_group,
    FACEWRIGHT_OT_add_shoulders,
    FACEWRIGHT_PT_face,
)
