# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of a head's steps: look, go back, branch, compare, keep, delete."""

from typing import ClassVar

import bpy
from bpy.props import StringProperty

from ..link.bundle import errors
from ..scene import compare, mesh, steps, store
from ..session import tree
from . import thumbs
from .base import Explaining, FacePanel, abreast, has_face

KIND_ICONS = {
    "generate": "USER",
    "edit": "MODIFIER",
    "layers": "RENDERLAYERS",
    "sliders": "OPTIONS",
    "sculpt": "SCULPTMODE_HLT",
    "paint": "TPAINT_HLT",
    "import": "IMPORT",
}
MEGABYTE = 1e6


class OfStep(Explaining):
    """An operator on one step of the chosen head."""

    uid: StringProperty(name="Step", description="Empty: the chosen row", options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_face(cls, context)

    def chosen(self, found: bpy.types.Object) -> str:
        session = found.facewright
        return self.uid or session.steps[min(session.shown, len(session.steps) - 1)].uid


class FACEWRIGHT_OT_revert(OfStep, bpy.types.Operator):
    bl_idname = "facewright.revert"
    bl_label = "Revert to Step"
    bl_description = "Show the chosen step of the history again; no step is lost, edits go on from there as a branch"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> None:
        found = steps.require_head(context)
        steps.revert(found, self.chosen(found))
        thumbs.catch_up()


class FACEWRIGHT_OT_star(OfStep, bpy.types.Operator):
    bl_idname = "facewright.star"
    bl_label = "Keep Step"
    bl_description = "Mark the step with a star, or take the mark off; Compact never removes a marked step"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> None:
        found = steps.require_head(context)
        step = steps.step_of(found, self.chosen(found))
        step.starred = not step.starred


class FACEWRIGHT_OT_delete_step(OfStep, bpy.types.Operator):
    bl_idname = "facewright.delete_step"
    bl_label = "Delete Step"
    bl_description = "Remove the step from the history; what was made of it stays"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> None:
        found = steps.require_head(context)
        steps.delete(found, {self.chosen(found)})


class FACEWRIGHT_OT_compact(Explaining, bpy.types.Operator):
    bl_idname = "facewright.compact"
    bl_label = "Compact"
    bl_description = "Remove the steps between: all but roots, ends of branches, marked steps and the one shown"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not has_face(cls, context):
            return False
        found = steps.require_head(context)
        if not tree.inner(steps.nodes_of(found), found.facewright.active_uid):
            cls.poll_message_set("No step lies between the ones that are kept")
            return False
        return True

    def act(self, context: bpy.types.Context) -> None:
        found = steps.require_head(context)
        before = store.size(found.facewright)
        gone = tree.inner(steps.nodes_of(found), found.facewright.active_uid)
        steps.delete(found, gone)
        saved = (before - store.size(found.facewright)) / MEGABYTE
        self.report({"INFO"}, f"{len(gone)} steps removed, {saved:.1f} MB freed")


class FACEWRIGHT_OT_compare(OfStep, bpy.types.Operator):
    bl_idname = "facewright.compare"
    bl_label = "Compare Side by Side"
    bl_description = "Put a plain copy of the step beside the head; delete it when done"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> None:
        found = steps.require_head(context)
        compare.beside(context, found, self.chosen(found))


class FACEWRIGHT_OT_peek(OfStep, bpy.types.Operator):
    bl_idname = "facewright.peek"
    bl_label = "Peek"
    bl_description = "Show the chosen step while the mouse button or key is held; nothing is kept of it"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        found = steps.require_head(context)
        try:
            if mesh.sculpted(found, steps.head_of(steps.active_face(found)), steps.active_face(found)):
                raise errors.UsageError(f"{found.name} was sculpted", advice="Revert keeps that as a step first")
            steps.peek(found, self.chosen(found))
        except errors.BackendError as error:
            self.report({"ERROR"}, error.message)
            return {"CANCELLED"}
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.value != "RELEASE" and event.type not in ("ESC", "RIGHTMOUSE"):
            return {"RUNNING_MODAL"}
        found = steps.chosen_head(context)
        if found is not None:
            steps.peek(found, found.facewright.active_uid)
        return {"FINISHED"}


class FACEWRIGHT_UL_steps(bpy.types.UIList):
    """One row a step, branches indented, the one the mesh shows marked."""

    indents: ClassVar[dict[str, int]] = {}  # by uid; filtering comes before drawing and counts them

    def draw_item(self, _context, layout, session, step, _icon, _active_data, _active_name, _index) -> None:
        row = layout.row(align=True)
        if indent := FACEWRIGHT_UL_steps.indents.get(step.uid, 0):
            row.separator(factor=2.0 * indent)
        row.label(text="", icon="RADIOBUT_ON" if step.uid == session.active_uid else "RADIOBUT_OFF")
        if picture := thumbs.icon(step.uid):
            row.label(text=step.name, icon_value=picture, translate=False)
        else:
            row.label(text=step.name, icon=KIND_ICONS.get(step.kind, "MESH_MONKEY"), translate=False)
        row.prop(step, "starred", text="", icon="SOLO_ON" if step.starred else "SOLO_OFF", emboss=False)

    def filter_items(self, _context, session, _name) -> tuple[list[int], list[int]]:
        nodes = [tree.Node(one.uid, one.parent_uid) for one in session.steps]
        rows = tree.rows(nodes)
        FACEWRIGHT_UL_steps.indents = dict(rows)
        place = {uid: index for index, (uid, _) in enumerate(rows)}
        shown = self.filter_name.lower()
        flags = [self.bitflag_filter_item if shown in one.name.lower() else 0 for one in session.steps]
        return flags, [place[node.uid] for node in nodes]


class FACEWRIGHT_PT_history(FacePanel, bpy.types.Panel):
    bl_label = "History"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        session, layout = steps.require_head(context).facewright, self.layout
        row = layout.row()
        row.template_list("FACEWRIGHT_UL_steps", "", session, "steps", session, "shown", rows=4)
        column = row.column(align=True)
        column.operator(FACEWRIGHT_OT_delete_step.bl_idname, text="", icon="REMOVE")
        column.operator(FACEWRIGHT_OT_compare.bl_idname, text="", icon="MOD_MIRROR")
        column.operator(FACEWRIGHT_OT_peek.bl_idname, text="", icon="HIDE_OFF")
        chosen = session.steps[min(session.shown, len(session.steps) - 1)]
        if picture := thumbs.icon(chosen.uid):
            layout.template_icon(picture, scale=6.0)
        layout.operator(FACEWRIGHT_OT_revert.bl_idname, icon="LOOP_BACK")
        row = layout.grid_flow(columns=abreast(context), even_columns=True)
        row.label(text=f"{len(session.steps)} steps, {store.size(session) / MEGABYTE:.1f} MB", translate=False)
        row.operator(FACEWRIGHT_OT_compact.bl_idname)


CLASSES = (
    FACEWRIGHT_OT_revert,
    FACEWRIGHT_OT_star,
    FACEWRIGHT_OT_delete_step,
    FACEWRIGHT_OT_compact,
    FACEWRIGHT_OT_compare,
    FACEWRIGHT_OT_peek,
    FACEWRIGHT_UL_steps,
    FACEWRIGHT_PT_history,
)
