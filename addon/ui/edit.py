# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of the chosen head by instruction."""

import bpy
from bpy.props import FloatProperty, IntProperty, StringProperty

from ..link.bundle import errors, files
from ..scene import masks, steps
from ..session.face import image_size
from . import pump, submitting, words
from .base import Explaining, SubPanel, has_face, idle
from .create import draw_submit
from .properties import SEED_LIMIT


class FACEWRIGHT_OT_edit(submitting.Staged, Explaining, bpy.types.Operator):
    bl_idname = "facewright.edit"
    bl_label = "Edit"
    bl_description = "Change the chosen head as the instruction says; it becomes a step of its history"
    bl_options = {"REGISTER"}

    instruction: StringProperty(name="Instruction", options={"SKIP_SAVE"})
    scope: StringProperty(name="Changes", default="auto", options={"SKIP_SAVE"})
    region: StringProperty(name="Region", description="Names of regions with commas", options={"SKIP_SAVE"})
    seed: IntProperty(name="Seed", min=0, max=SEED_LIMIT, options={"SKIP_SAVE"})
    strength: FloatProperty(name="Strength", default=1.0, min=0.0, max=2.0, options={"SKIP_SAVE"})
    mask: StringProperty(name="Mask", default="none", description="none, group, paint or image", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return idle(cls) and has_face(cls, context)

    def act(self, context: bpy.types.Context) -> None:
        drafts = context.scene.facewright_ui
        instruction, scope, region, seed, strength = (
            submitting.given(self, name, drafts) for name in ("instruction", "scope", "region", "seed", "strength")
        )
        if not instruction.strip():
            raise errors.EmptyPrompt("the instruction is empty", advice="write what should change")
        params = {"instruction": instruction.strip(), "seed": seed, "strength": strength}
        params = submitting.staged(self, drafts, params)
        found = steps.require_head(context)
        job = submitting.job_on(found, "edit", instruction.strip())
        params["face"] = f"{job.id}/parent"
        if painted := _mask(found, submitting.given(self, "mask", drafts), drafts.mask_image):
            files.write_whole(pump.desk().folder(job) / "mask.png", painted)
            params["mask"] = f"{job.id}/mask.png"
        regions = [name.strip() for name in region.split(",") if name.strip()]
        # A session outlives its networks: it is edited by those there are, and the layer tells where they changed.
        submitting.run(self, job, {**params, "scope": scope, "region": regions, "force": True})


def _mask(found: bpy.types.Object, kind: str, image: bpy.types.Image | None) -> bytes:
    """The PNG of the mask the user painted; empty where the words decide.

    Raises:
        errors.UsageError: nothing of that kind was painted.
    """
    size = image_size(steps.active_face(found).albedo)[0]
    match kind:
        case "none":
            return b""
        case "group":
            return masks.from_group(found, size)
        case "paint":
            return masks.from_paint(found, size)
        case "image":
            return masks.from_image(image, size)
    raise errors.UsageError(f"no mask {kind!r}", advice="there are none, group, paint and image")


class FACEWRIGHT_PT_edit(SubPanel, bpy.types.Panel):
    bl_label = "Edit"

    def draw(self, context: bpy.types.Context) -> None:
        layout, drafts = self.layout, context.scene.facewright_ui
        found = steps.chosen_head(context)
        layout.label(text=found.name if found else "No head is chosen", icon="MESH_MONKEY", translate=found is None)
        column = layout.column()
        column.prop(drafts, "instruction", text="", placeholder="make his lips red")
        words.draw_heard(column, context, drafts.instruction, keys=False)
        if drafts.instruction.strip():
            route = words.understood(drafts.instruction)
            where = ", ".join(name.replace("_", " ") for name in route.region) or "whole head"
            column.label(text=f"{route.scope}: {where}", icon="CHECKMARK", translate=False)
        column = layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        column.prop(drafts, "scope")
        if found is not None:
            column.prop_search(drafts, "region", found, "vertex_groups", icon="GROUP_VERTEX")
        column.prop(drafts, "mask")
        if drafts.mask == "image":
            column.template_ID(drafts, "mask_image", new="image.new", open="image.open")
        elif drafts.mask == "group" and found is not None and found.vertex_groups.active is not None:
            column.label(text=found.vertex_groups.active.name, icon="GROUP_VERTEX", translate=False)
        column.prop(drafts, "strength", slider=True)
        reason = "" if drafts.instruction.strip() else "Write what should change"
        if found is None or not found.facewright.steps:
            reason = "Generate or import a face first"
        draw_submit(layout, context, FACEWRIGHT_OT_edit.bl_idname, reason, "MODIFIER")


CLASSES = (FACEWRIGHT_OT_edit, FACEWRIGHT_PT_edit)
