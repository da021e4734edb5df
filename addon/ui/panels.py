# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab. Drawing reads what is there and starts nothing."""

import time

import bpy

from ..link.bundle import errors
from ..scene import steps
from . import operators, preferences, pump

TAB = "Facewright"


class SidebarPanel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB


class FACEWRIGHT_PT_main(SidebarPanel, bpy.types.Panel):
    bl_label = "Facewright"

    def draw(self, context: bpy.types.Context) -> None:
        layout, drafts = self.layout, context.scene.facewright_ui
        _draw_status(layout)
        column = layout.column()
        column.prop(drafts, "prompt", text="", placeholder="an old sailor")
        column.prop(drafts, "seed")
        _draw_submit(layout, operators.FACEWRIGHT_OT_generate, bool(drafts.prompt.strip()), "USER")


class FACEWRIGHT_PT_edit(SidebarPanel, bpy.types.Panel):
    bl_label = "Edit"
    bl_parent_id = "FACEWRIGHT_PT_main"

    def draw(self, context: bpy.types.Context) -> None:
        layout, drafts = self.layout, context.scene.facewright_ui
        found = steps.chosen_head(context)
        layout.label(text=found.name if found else "No head is chosen", icon="MESH_MONKEY")
        column = layout.column()
        column.prop(drafts, "instruction", text="", placeholder="make his lips red")
        column.prop(drafts, "strength", slider=True)
        _draw_submit(layout, operators.FACEWRIGHT_OT_edit, bool(drafts.instruction.strip()), "MODIFIER")


class FACEWRIGHT_UL_steps(bpy.types.UIList):
    """One row a step, the one the mesh shows marked."""

    def draw_item(self, _context, layout, session, step, _icon, _active_data, _active_name, _index) -> None:
        layout.label(text=step.name, icon="RADIOBUT_ON" if step.uid == session.active_uid else "RADIOBUT_OFF")


class FACEWRIGHT_PT_history(SidebarPanel, bpy.types.Panel):
    bl_label = "History"
    bl_parent_id = "FACEWRIGHT_PT_main"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return steps.chosen_head(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        session = steps.require_head(context).facewright
        self.layout.template_list("FACEWRIGHT_UL_steps", "", session, "steps", session, "shown")
        self.layout.operator(operators.FACEWRIGHT_OT_revert.bl_idname, icon="LOOP_BACK")


class FACEWRIGHT_PT_heads(SidebarPanel, bpy.types.Panel):
    bl_label = "Heads"
    bl_parent_id = "FACEWRIGHT_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator(operators.FACEWRIGHT_OT_new_head.bl_idname, icon="ADD")
        self.layout.operator(operators.FACEWRIGHT_OT_import_face.bl_idname, icon="IMPORT")


def _draw_status(layout: bpy.types.UILayout) -> None:
    """One line: what runs and how far it is, or what went wrong and what to do."""
    job, failure = pump.state.job, pump.state.failure
    if job is not None:
        seconds = int(time.monotonic() - job.started)
        said = pump.blocked() if job.end else "stopping" if job.cancelling else job.phase
        count = f" {job.step}/{job.total}" if job.total else ""
        layout.progress(text=f"{said}{count}, {seconds} s", factor=job.share, type="BAR")
    elif isinstance(failure, errors.Cancelled):
        layout.label(text="Cancelled", icon="CANCEL")
    elif failure is not None:
        box = layout.column(align=True)
        box.label(text=f"E{failure.code} {failure.title}", icon="ERROR")
        for line in (failure.message, failure.advice):
            if line:
                box.label(text=line)
        if failure.fix == "install":
            box.operator("preferences.addon_show", text="Open Preferences").module = preferences.PACKAGE
    else:
        layout.label(text="Ready", icon="CHECKMARK")


def _draw_submit(layout: bpy.types.UILayout, operator: type, has_words: bool, icon: str) -> None:
    """The operator's button, and Cancel in its place while its job runs."""
    row, job = layout.row(), pump.state.job
    row.scale_y = 1.4
    if job is not None and operator.bl_idname == f"facewright.{job.op}":
        text = "Stop Now" if job.cancelling else "Cancel"
        row.operator(operators.FACEWRIGHT_OT_cancel.bl_idname, text=text, icon="CANCEL")
    else:
        row.enabled = has_words
        row.operator(operator.bl_idname, icon=icon)


CLASSES = (
    FACEWRIGHT_PT_main,
    FACEWRIGHT_PT_edit,
    FACEWRIGHT_UL_steps,
    FACEWRIGHT_PT_history,
    FACEWRIGHT_PT_heads,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
