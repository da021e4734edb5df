# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that give the backend a job.

They return at once and the pump brings the face; with `wait=True`, and by default where Blender has no window, they
return when the face is in the scene.
"""

import json
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..link.bundle import errors
from ..link.desk import Job
from ..scene import steps, store
from ..session.face import write_files
from . import presets, pump


class Submitting:
    """Properties of the operators that give the backend a job."""

    wait: BoolProperty(
        name="Wait",
        description="Return only when the face is in the scene; for scripts",
        options={"HIDDEN", "SKIP_SAVE"},
    )


class Staged(Submitting):
    """Of those whose job runs stages, which a preset sets."""

    preset: StringProperty(
        name="Preset", description="A built-in preset or one of your own", options={"HIDDEN", "SKIP_SAVE"}
    )
    settings: StringProperty(
        name="Settings",
        description='Changes of the preset as JSON, such as {"geometry.steps": 50}; for scripts',
        options={"HIDDEN", "SKIP_SAVE"},
    )


def given(operator: bpy.types.Operator, name: str, drafts: bpy.types.PropertyGroup) -> Any:
    """The operator's own property if a script has set it, else the panel's."""
    return getattr(operator if operator.properties.is_property_set(name) else drafts, name)


def run(operator: bpy.types.Operator | None, job: Job, params: dict[str, object]) -> None:
    """Gives the job to the backend, and waits for it where the operator wants that; a drag in a window never waits.

    Raises:
        errors.BackendError: what a job that is waited for ended in.
    """
    waits = bpy.app.background if operator is None else waiting(operator)
    pump.start(job, {"out": f"{job.id}/face", **params}, select=waits)
    if waits:
        pump.wait()


def waiting(operator: bpy.types.Operator) -> bool:
    """Whether an operator returns only when the face is in the scene: as it was told, else where there is no window."""
    return operator.wait if operator.properties.is_property_set("wait") else bpy.app.background


def staged(operator: bpy.types.Operator, drafts: bpy.types.PropertyGroup, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with the preset and what is changed of it.

    Raises:
        errors.UsageError: no such preset or setting, or the operator's settings are no JSON object.
    """
    chosen = presets.named(given(operator, "preset", drafts))
    changes = _settings(operator.settings) if operator.settings else presets.changes(drafts)
    return {**params, "preset": chosen.base, "settings": {**chosen.changes, **changes}}


def job_on(found: bpy.types.Object, op: str, label: str, *, sculpting: bool = True) -> Job:
    """A job on the face the head shows, written into the job's folder as "parent".

    Args:
        sculpting: keep what hands have sculpted first; not while a drag shows what no step has.
    """
    steps.own_session(found)
    if sculpting and steps.capture(found):
        bpy.ops.ed.undo_push(message="Facewright: sculpted by hand")
    job = Job(op, label, target=found.facewright.uid, parent=found.facewright.active_uid)
    write_parent(found, job, "parent")
    return job


def write_parent(found: bpy.types.Object, job: Job, name: str) -> None:
    """Writes the face the head shows into the job's folder."""
    write_files(store.files_of(found.facewright, steps.active_step(found)), pump.desk().folder(job) / name)


def _settings(text: str) -> dict[str, object]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise errors.UsageError("the settings are no JSON object", advice='such as {"geometry.steps": 50}')
    return values
