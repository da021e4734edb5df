# SPDX-License-Identifier: GPL-3.0-or-later
"""A new head: at rest, or from words. The top of the sidebar, with what runs and what went wrong."""

import random
import time
from collections.abc import Iterator
from typing import Any

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from ..link.bundle import errors
from ..link.desk import Job
from ..scene import steps, view
from . import heads, preferences, presets, pump, setting_up, submitting, words
from .base import Explaining, SidebarPanel, SubPanel, abreast, idle, wrapped
from .properties import SEED_LIMIT

SHOWN_AT = {"head": "facewright.generate"}  # the button whose place Cancel takes, where it is not the job's own
SEEDS_DRAWN = 10_000  # few enough to be read out and written down
STAGES = {(True, True): "both", (True, False): "geometry", (False, True): "texture"}


class FACEWRIGHT_OT_new_head(submitting.Submitting, Explaining, bpy.types.Operator):
    bl_idname = "facewright.new_head"
    bl_label = "New Head"
    bl_description = "Add the head model at rest: sliders, expressions, UV map and regions, with no texture"
    bl_options = {"REGISTER", "UNDO"}

    head: StringProperty(name="Head", options={"SKIP_SAVE"})
    subdivide: BoolProperty(name="Subdivision", description="Add a Subdivision Surface modifier", default=False)

    def act(self, context: bpy.types.Context) -> None:
        name = submitting.given(self, "head", context.scene.facewright_ui)
        heads.require(name)
        if first := heads.reading(name):
            if pump.state.job is not None:
                raise errors.UsageError("a job is running", advice="wait for it, then press New Head again")
            submitting.run(self, *first)
            return
        found = steps.insert_rest(context, name)
        if self.subdivide:
            found.modifiers.new("Subdivision", "SUBSURF").render_levels = 1
        view.make_active(context, found)
        view.frame(context)


class FACEWRIGHT_OT_generate(submitting.Staged, Explaining, bpy.types.Operator):
    bl_idname = "facewright.generate"
    bl_label = "Generate"
    bl_description = "Make a head from the prompt, of the chosen one if it is at rest; Blender stays usable meanwhile"
    bl_options = {"REGISTER"}

    prompt: StringProperty(name="Prompt", options={"SKIP_SAVE"})
    texture_prompt: StringProperty(name="Texture Words", options={"SKIP_SAVE"})
    make_shape: BoolProperty(name="Shape", default=True, options={"SKIP_SAVE"})
    make_texture: BoolProperty(name="Texture", default=True, options={"SKIP_SAVE"})
    from_chosen: BoolProperty(name="From the Chosen Head", options={"SKIP_SAVE"})
    head: StringProperty(name="Head", options={"SKIP_SAVE"})
    seed: IntProperty(name="Seed", min=0, max=SEED_LIMIT, options={"SKIP_SAVE"})
    candidates: IntProperty(name="Candidates", default=1, min=1, max=16, options={"SKIP_SAVE"})
    negative: StringProperty(name="Keep Away From", options={"SKIP_SAVE"})
    family: StringProperty(name="Networks", default="auto", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return idle(cls)

    def act(self, context: bpy.types.Context) -> None:
        drafts = context.scene.facewright_ui
        prompt, described, shape, texture, chosen = (
            submitting.given(self, name, drafts)
            for name in ("prompt", "texture_prompt", "make_shape", "make_texture", "from_chosen")
        )
        if not prompt.strip():
            raise errors.EmptyPrompt("the prompt is empty", advice="write what the face should look like")
        if not (shape or texture):
            raise errors.UsageError("neither shape nor texture is to be made", advice="switch one of them on")
        params = {"prompt": prompt.strip(), "stage": STAGES[shape, texture]}
        params |= {name: submitting.given(self, name, drafts) for name in ("seed", "family")}
        params = submitting.staged(self, drafts, params)
        if negative := submitting.given(self, "negative", drafts).strip():
            params["negative"] = [negative]
        if described.strip():
            params["texture_prompt"] = described.strip()
        model = "" if chosen else submitting.given(self, "head", drafts)
        first = self._begin(context, params, model)
        waiting = [*first, *self._others(context, *first[-1], drafts)]
        pump.line_up(waiting[1:])
        submitting.run(self, *waiting[0])

    def _begin(self, context: bpy.types.Context, params: dict[str, Any], model: str) -> list[pump.Asked]:
        """The job, after the one that reads its head model where that must be; no model: of the chosen head."""
        found = None if model else steps.require_head(context)
        if found is not None and found.facewright.steps:
            job = submitting.job_on(found, "generate", params["prompt"])
            return [(job, {**params, "out": f"{job.id}/face", "parent": f"{job.id}/parent"})]
        model = model or steps.require_head(context).facewright.head
        heads.require(model)
        resting = steps.resting_head(context, model)  # what New Head has added becomes the face
        job = Job("generate", params["prompt"], target=resting.facewright.uid if resting else "")
        pump.desk().folder(job)
        named = {} if model == heads.EMBEDDED else {"head": model}
        reading = heads.reading(model)
        return [*([reading] if reading else []), (job, {**params, **named, "out": f"{job.id}/face"})]

    def _others(
        self, context: bpy.types.Context, job: Job, params: dict[str, Any], drafts: bpy.types.PropertyGroup
    ) -> Iterator[pump.Asked]:
        """The further candidates, each with the next seed."""
        for number in range(1, submitting.given(self, "candidates", drafts)):
            other = Job("generate", f"{job.label} ({number + 1})", target=job.target, parent=job.parent)
            again = {**params, "seed": params["seed"] + number, "out": f"{other.id}/face"}
            if "parent" in params:
                submitting.write_parent(steps.require_head(context), other, "parent")
                again["parent"] = f"{other.id}/parent"
            yield other, again


class FACEWRIGHT_OT_another_seed(bpy.types.Operator):
    bl_idname = "facewright.another_seed"
    bl_label = "Another Seed"
    bl_description = "Draw a seed: the same words give another face"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.facewright_ui.seed = random.randrange(SEEDS_DRAWN)
        return {"FINISHED"}


class FACEWRIGHT_OT_cancel(bpy.types.Operator):
    bl_idname = "facewright.cancel"
    bl_label = "Cancel"
    bl_description = "Stop the present job at its next step; pressed again, end the backend at once"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if pump.state.job is None:
            cls.poll_message_set("No job is running")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        pump.cancel()
        return {"FINISHED"}


class FACEWRIGHT_OT_dismiss(bpy.types.Operator):
    bl_idname = "facewright.dismiss"
    bl_label = "Dismiss"
    bl_description = "Hide the message of the last job"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        pump.dismiss()
        view.redraw()
        return {"FINISHED"}


class FACEWRIGHT_OT_go_on(Explaining, bpy.types.Operator):
    bl_idname = "facewright.go_on"
    bl_label = "Go On"
    bl_description = "Start the backend again and go on with the job that it stopped in"

    wait: BoolProperty(name="Wait", options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if pump.state.broken_off is None:
            cls.poll_message_set("No job was broken off")
            return False
        return True

    def act(self, _context: bpy.types.Context) -> None:
        pump.resume()
        if submitting.waiting(self):
            pump.wait()


class FACEWRIGHT_OT_show_textures(bpy.types.Operator):
    bl_idname = "facewright.show_textures"
    bl_label = "Show Textures"
    bl_description = "Switch this 3D view to Material Preview, which shows the skin"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.space_data is None or context.space_data.type != "VIEW_3D":
            cls.poll_message_set("Use it in a 3D view")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.space_data.shading.type = "MATERIAL"
        return {"FINISHED"}


class FACEWRIGHT_PT_main(SidebarPanel, bpy.types.Panel):
    bl_label = "Facewright"

    def draw(self, context: bpy.types.Context) -> None:
        _draw_status(self.layout, context)
        setting_up.draw_strip(self.layout, context)
        grid = self.layout.grid_flow(columns=abreast(context), even_columns=True)
        grid.operator(FACEWRIGHT_OT_new_head.bl_idname, icon="ADD")
        grid.operator("facewright.import_face", text="Import", icon="IMPORT")
        heads.draw_choice(self.layout, context.scene.facewright_ui)
        _draw_solid_hint(self.layout, context)


class FACEWRIGHT_PT_create(SubPanel, bpy.types.Panel):
    bl_label = "Create"

    def draw(self, context: bpy.types.Context) -> None:
        layout, drafts = self.layout, context.scene.facewright_ui
        column = layout.column()
        row = column.row(align=True)
        row.prop(drafts, "prompt", text="", placeholder="an old man with a hooked nose")
        row.popover("FACEWRIGHT_PT_words", text="", icon="COLLAPSEMENU")
        words.draw_heard(column, context, drafts.prompt, keys=True)
        row = column.row(align=True)
        row.prop(drafts, "make_shape", toggle=True)
        row.prop(drafts, "make_texture", toggle=True)
        column.prop(drafts, "texture_prompt", text="", placeholder="Other words for the texture")
        words.draw_heard(column, context, drafts.texture_prompt, keys=True)
        column.prop(drafts, "from_chosen")
        grid = column.grid_flow(columns=abreast(context), even_columns=True, align=True)
        row = grid.row(align=True)
        row.prop(drafts, "seed")
        row.operator(FACEWRIGHT_OT_another_seed.bl_idname, text="", icon="FILE_REFRESH")
        grid.prop(drafts, "candidates")
        presets.draw_choice(column, drafts)
        header, body = layout.panel("facewright_more", default_closed=True)
        header.label(text="More")
        if body is not None:
            body.prop(drafts, "negative", text="", placeholder="Keep Away From")
            named = body.column()
            named.use_property_split, named.use_property_decorate = True, False
            named.prop(drafts, "family")
            setting_up.draw_full(body, context)
            presets.draw_changes(body, drafts)
        reason = "" if drafts.prompt.strip() else "Write what the face should look like"
        if not (drafts.make_shape or drafts.make_texture):
            reason = "Switch Shape or Texture on"
        draw_submit(layout, context, FACEWRIGHT_OT_generate.bl_idname, reason, "USER")


def draw_submit(layout: bpy.types.UILayout, context: bpy.types.Context, operator: str, reason: str, icon: str) -> None:
    """The operator's button, or why it is off; Cancel in its place while its job runs."""
    row, job = layout.row(), pump.state.job
    row.scale_y = 1.4
    if job is not None and operator == SHOWN_AT.get(job.op, f"facewright.{job.op}"):
        text = pump.state.desk.cancel_label(job) if pump.state.desk else "Cancel"
        row.operator(FACEWRIGHT_OT_cancel.bl_idname, text=text, icon="CANCEL")
        if pump.state.preview_icon:  # below the button, which so stays under the mouse
            layout.template_icon(pump.state.preview_icon, scale=8.0)
        return
    row.enabled = not reason
    row.operator(operator, icon=icon)
    if reason:
        wrapped(layout, context, reason, icon="INFO")


def _draw_status(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What runs and how far it is, or what went wrong and what to do."""
    job, failure = pump.state.job, pump.state.failure
    if job is not None:
        said = job.phase if job.end is None else pump.blocked() or "reading the face"
        layout.progress(text=_progress_text("stopping" if job.cancelling else said, job), factor=job.share, type="BAR")
        if pump.state.queue:
            layout.label(text=f"{job.label}, {len(pump.state.queue)} more", translate=False)
        if job.note:
            wrapped(layout, context, job.note, icon="INFO")
        silent = pump.state.desk.state if pump.state.desk else ""
        if silent.startswith("not responding"):
            layout.label(text=silent, icon="ERROR")
    elif isinstance(failure, errors.Cancelled):
        layout.label(text="Cancelled", icon="CANCEL")
    elif failure is not None:
        box = layout.box().column(align=True)
        row = box.row()
        wrapped(row.column(), context, f"E{failure.code} {failure.title}", icon="ERROR", beside=1)
        row.operator(FACEWRIGHT_OT_dismiss.bl_idname, text="", icon="X", emboss=False)
        for line in (failure.message, failure.advice):
            if line:
                wrapped(box, context, line)
        if failure.fix == "install":
            box.operator(setting_up.FACEWRIGHT_OT_set_up.bl_idname, icon="IMPORT")
        elif failure.fix == "checkpoints":
            box.operator("preferences.addon_show", text="Open Preferences").module = preferences.PACKAGE
        elif pump.state.broken_off is not None:
            box.operator(FACEWRIGHT_OT_go_on.bl_idname, icon="PLAY")
    else:
        layout.label(text="Ready", icon="CHECKMARK")


def _progress_text(said: str, job: Job) -> str:
    """Phase, percent, and how long it takes yet, or how long it has taken."""
    left = job.seconds_left if job.end is None else None
    percent = f" {100 * job.share:.0f} %" if job.total else ""
    clock = f"{_clock(left)} left" if left is not None else _clock(time.monotonic() - job.started)
    return f"{said}{percent}, {clock}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _draw_solid_hint(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    space, found = context.space_data, steps.chosen_head(context)
    if found is None or not found.facewright.steps or space is None or space.type != "VIEW_3D":
        return
    if space.shading.type == "WIREFRAME" or (space.shading.type == "SOLID" and space.shading.color_type != "TEXTURE"):
        column = layout.column(align=True)
        column.label(text="Untextured view", icon="SHADING_SOLID")
        column.operator(FACEWRIGHT_OT_show_textures.bl_idname, icon="SHADING_TEXTURE")


CLASSES = (
    FACEWRIGHT_OT_new_head,
    FACEWRIGHT_OT_generate,
    FACEWRIGHT_OT_another_seed,
    FACEWRIGHT_OT_cancel,
    FACEWRIGHT_OT_dismiss,
    FACEWRIGHT_OT_go_on,
    FACEWRIGHT_OT_show_textures,
    FACEWRIGHT_PT_main,
    FACEWRIGHT_PT_create,
)
