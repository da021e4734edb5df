# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons, and what scripts call: `bpy.ops.facewright.*`.

Operators that need the backend return at once and the pump brings the face; with `wait=True`, and by default
where Blender has no window, they return when the face is in the scene.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty

from ..link.bundle import errors
from ..link.desk import Job
from ..scene import steps
from ..session.face import unpack
from . import pump
from .properties import SEED_LIMIT

HEAD = "anny"


def explain(operator: bpy.types.Operator, error: errors.BackendError) -> set[str]:
    """Reports the error with its number and advice; from a script this raises RuntimeError."""
    kind = "WARNING" if isinstance(error, errors.Cancelled) else "ERROR"
    said = f"E{error.code} {error.title}: {error.message}"
    operator.report({kind}, f"{said} ({error.advice})" if error.advice else said)
    return {"CANCELLED"}


class Submitting:
    """Properties of the operators that give the backend a job."""

    settings: StringProperty(
        name="Settings",
        description='Changes of the preset as JSON, such as {"geometry.steps": 50}; for scripts',
        options={"HIDDEN", "SKIP_SAVE"},
    )
    wait: BoolProperty(
        name="Wait",
        description="Return only when the face is in the scene; for scripts",
        options={"HIDDEN", "SKIP_SAVE"},
    )


def idle(cls: type[bpy.types.Operator]) -> bool:
    """Whether a job can be given now; says why not."""
    if pump.state.job is not None:
        cls.poll_message_set("One face at a time: wait for the present job, or cancel it")
        return False
    return True


def given(operator: bpy.types.Operator, name: str, drafts: bpy.types.PropertyGroup) -> Any:
    """The operator's own property if a script has set it, else the panel's."""
    return getattr(operator if operator.properties.is_property_set(name) else drafts, name)


def run(operator: bpy.types.Operator, job: Job, params: dict[str, object]) -> set[str]:
    """Gives the job to the backend, and waits for it where that is wanted.

    Raises:
        errors.UsageError: the settings are no JSON object.
    """
    if operator.settings:
        params = {**params, "settings": _settings(operator.settings)}
    waits = operator.wait if operator.properties.is_property_set("wait") else bpy.app.background
    pump.start(job, params, select=waits)
    if waits:
        pump.wait()
    return {"FINISHED"}


def _settings(text: str) -> dict[str, object]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise errors.UsageError("the settings are no JSON object", advice='such as {"geometry.steps": 50}')
    return values


class FACEWRIGHT_OT_generate(Submitting, bpy.types.Operator):
    bl_idname = "facewright.generate"
    bl_label = "Generate"
    bl_description = "Make a new head from the prompt; takes a while, and Blender stays usable"
    bl_options = {"REGISTER"}

    prompt: StringProperty(name="Prompt", options={"SKIP_SAVE"})
    seed: IntProperty(name="Seed", min=0, max=SEED_LIMIT, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return idle(cls)

    def execute(self, context: bpy.types.Context) -> set[str]:
        drafts = context.scene.facewright_ui
        prompt = given(self, "prompt", drafts).strip()
        try:
            if not prompt:
                raise errors.EmptyPrompt("the prompt is empty", advice="write what the face should look like")
            job = Job("generate", prompt)
            pump.desk().folder(job)
            params = {"prompt": prompt, "seed": given(self, "seed", drafts), "out": f"{job.id}/face"}
            return run(self, job, params)
        except errors.BackendError as error:
            return explain(self, error)


class FACEWRIGHT_OT_edit(Submitting, bpy.types.Operator):
    bl_idname = "facewright.edit"
    bl_label = "Edit"
    bl_description = "Change the chosen head as the instruction says; it becomes a step of its history"
    bl_options = {"REGISTER"}

    instruction: StringProperty(name="Instruction", options={"SKIP_SAVE"})
    seed: IntProperty(name="Seed", min=0, max=SEED_LIMIT, options={"SKIP_SAVE"})
    strength: FloatProperty(name="Strength", default=1.0, min=0.0, max=2.0, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return idle(cls) and has_face(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        drafts = context.scene.facewright_ui
        instruction = given(self, "instruction", drafts).strip()
        found = steps.require_head(context)
        try:
            if not instruction:
                raise errors.EmptyPrompt("the instruction is empty", advice="write what should change")
            steps.own_session(found)
            session = found.facewright
            job = Job("edit", instruction, target=session.uid)
            unpack(steps.step_of(found, session.active_uid).face, pump.desk().folder(job) / "parent")
            params = {
                "face": f"{job.id}/parent",
                "instruction": instruction,
                "seed": given(self, "seed", drafts),
                "strength": given(self, "strength", drafts),
                "out": f"{job.id}/face",
            }
            return run(self, job, params)
        except errors.BackendError as error:
            return explain(self, error)


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


class FACEWRIGHT_OT_import_face(bpy.types.Operator):
    bl_idname = "facewright.import_face"
    bl_label = "Import Facewright Face"
    bl_description = "Put a face folder into the scene, as a new head or as a step of the chosen one"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="Folder", subtype="DIR_PATH", options={"SKIP_SAVE"})
    as_step: BoolProperty(
        name="As a Step",
        description="Change the chosen head instead of making a new one",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        folder = Path(bpy.path.abspath(self.filepath))
        folder = folder.parent if folder.name == "face.json" else folder
        try:
            if self.as_step:
                steps.add_step(self._target(context), folder)
            else:
                pump.make_active(context, steps.insert(context, folder))
        except errors.BackendError as error:
            return explain(self, error)
        return {"FINISHED"}

    def _target(self, context: bpy.types.Context) -> bpy.types.Object:
        found = steps.require_head(context)
        if found.mode != "OBJECT":
            raise errors.UsageError(f"{found.name} is in {found.mode} mode", advice="go to Object Mode")
        return found


class FACEWRIGHT_OT_new_head(bpy.types.Operator):
    bl_idname = "facewright.new_head"
    bl_label = "New Head"
    bl_description = "Add the head model at rest: expressions, UV map and regions, with no texture"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            pump.make_active(context, steps.insert_rest(context, HEAD))
        except errors.BackendError as error:
            return explain(self, error)
        return {"FINISHED"}


class FACEWRIGHT_OT_revert(bpy.types.Operator):
    bl_idname = "facewright.revert"
    bl_label = "Revert to Step"
    bl_description = "Show the chosen step of the history again; no step is lost, edits go on from there"
    bl_options = {"REGISTER", "UNDO"}

    uid: StringProperty(name="Step", description="Empty: the chosen row", options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_face(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        found = steps.require_head(context)
        session = found.facewright
        uid = self.uid or session.steps[min(session.shown, len(session.steps) - 1)].uid
        try:
            with tempfile.TemporaryDirectory(prefix="facewright-") as scratch:
                steps.revert(found, uid, Path(scratch) / "face")
        except errors.BackendError as error:
            return explain(self, error)
        return {"FINISHED"}


def has_face(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether a head with a face is chosen and can be changed now; says why not."""
    found = steps.chosen_head(context)
    if found is None or not found.facewright.steps:
        cls.poll_message_set("Generate or import a face, or make one the active object")
        return False
    if found.mode != "OBJECT":
        cls.poll_message_set("Go to Object Mode: the head is being changed by hand")
        return False
    return True


def draw_import(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.operator(FACEWRIGHT_OT_import_face.bl_idname, text="Facewright Face (folder)")


CLASSES = (
    FACEWRIGHT_OT_generate,
    FACEWRIGHT_OT_edit,
    FACEWRIGHT_OT_cancel,
    FACEWRIGHT_OT_import_face,
    FACEWRIGHT_OT_new_head,
    FACEWRIGHT_OT_revert,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.TOPBAR_MT_file_import.append(draw_import)


def unregister() -> None:
    bpy.types.TOPBAR_MT_file_import.remove(draw_import)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
