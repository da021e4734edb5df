# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the backend's results onto the main thread: one timer, a few milliseconds a tick.

What runs and how far it is lives here and not in the .blend: it must be neither saved nor undone.
"""

import atexit
import shutil
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ..link.bundle import errors, protocol
from ..link.desk import Desk, Job
from ..scene import steps
from . import preferences

TICK_BUDGET_S = 0.008
BUSY_INTERVAL_S = 0.05
IDLE_INTERVAL_S = 0.25
WAIT_INTERVAL_S = 0.01


@dataclass
class State:
    desk: Desk | None = None
    job: Job | None = None  # running, or done and not yet in the scene
    select: bool = False  # whether a new head becomes the active object
    failure: errors.BackendError | None = None  # of the last job
    drawn: tuple[object, ...] = field(default_factory=tuple)


state = State()


def version() -> str:
    """The add-on's own version, as its manifest states it."""
    manifest = Path(__file__).parents[1] / "blender_manifest.toml"
    return tomllib.loads(manifest.read_text(encoding="utf-8"))["version"]


def desk() -> Desk:
    """The desk of this Blender, made at the first job.

    Raises:
        errors.InstallFailed: no Python is set up for the backend.
        errors.FolderUnwritable: there is no place for the jobs' files.
    """
    if state.desk is None:
        start = preferences.backend_start()
        jobs = preferences.user_folder("jobs")
        try:
            scratch = Path(tempfile.mkdtemp(dir=jobs))
        except OSError as error:
            raise errors.FolderUnwritable(
                f"{jobs} cannot be written: {error.strerror}", advice="give yourself the right to write there"
            ) from None
        state.desk = Desk(start, scratch, version(), bpy.app.version_string)
        atexit.register(close)
    return state.desk


def start(job: Job, params: dict[str, Any], *, select: bool) -> None:
    """Hands the job in; its result comes with a later tick."""
    desk().submit(job, params)
    state.job, state.select, state.failure = job, select, None
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, persistent=True)


def wait() -> None:
    """Ticks until the job is in the scene. Raises what ended it otherwise, errors.Cancelled included."""
    try:
        while state.job is not None:
            tick()
            time.sleep(WAIT_INTERVAL_S)
    except KeyboardInterrupt:
        close()
        raise
    if state.failure is not None:
        raise state.failure


def cancel() -> None:
    """Asks the job to stop; the second time ends the backend. Work already done is not put in the scene."""
    if state.job is not None and state.desk is not None:
        state.desk.cancel(state.job)


def tick() -> float | None:
    """Blender's timer: takes in events, puts a finished face in the scene, redraws what changed."""
    if state.desk is None:
        return None
    state.desk.poll(TICK_BUDGET_S)
    if state.job is not None and state.job.end is not None and not _must_wait():
        _settle(state.desk, state.job)
    _redraw()
    if state.job is not None:
        return BUSY_INTERVAL_S
    return IDLE_INTERVAL_S if state.desk.alive() else None


def close() -> None:
    """Ends the backend and forgets its jobs."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    if state.desk is not None:
        state.desk.close()
        shutil.rmtree(state.desk.scratch, ignore_errors=True)
        atexit.unregister(close)
    state.desk, state.job, state.failure = None, None, None


def blocked() -> str:
    """Why a finished face cannot be put in the scene now; empty where it can."""
    if bpy.app.is_job_running("RENDER"):
        return "waits for the render"
    if state.job is not None and state.job.target:
        try:
            found = steps.head_of_uid(state.job.target)
        except errors.HeadGone:
            return ""
        if found.mode != "OBJECT":
            return "done: leave the head's present mode to see it"
    return ""


def _must_wait() -> bool:
    return isinstance(state.job.end if state.job else None, protocol.Result) and bool(blocked())


def _settle(at: Desk, job: Job) -> None:
    """Ends the job in Blender. A face that cannot be shown keeps its folder, and the error names it."""
    state.job, state.failure = None, None
    try:
        match job.end:
            case protocol.Result() as result:
                _apply(at.output(result, "face"), job)
            case protocol.Error() as told:
                raise errors.rebuild(told.code, told.message, told.advice)
            case _:
                raise errors.Cancelled(f"{job.label!r} was cancelled")
    except errors.HeadGone as error:
        advice = f"to keep it, import {at.folder(job) / 'face'} as a new head before Blender ends"
        state.failure = errors.HeadGone(error.message, advice=advice)
        return
    except errors.BackendError as error:
        state.failure = error
    at.forget(job)


def _apply(folder: Path, job: Job) -> None:
    if job.target:
        steps.add_step(steps.head_of_uid(job.target), folder)
    else:
        found = steps.insert(bpy.context, folder)
        if state.select:
            make_active(bpy.context, found)
    bpy.ops.ed.undo_push(message=f"Facewright: {job.label}")


def make_active(context: bpy.types.Context, found: bpy.types.Object) -> None:
    """Selects the object alone, as Blender's own Add operators do."""
    for other in context.selected_objects:
        other.select_set(False)
    found.select_set(True)
    context.view_layer.objects.active = found


def _redraw() -> None:
    """Asks for a new panel only where something in it has changed."""
    job = state.job
    now = (job.id, job.phase, job.step, job.cancelling, job.end) if job else (state.failure,)
    if now == state.drawn:
        return
    state.drawn = now
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
