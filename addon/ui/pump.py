# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the backend's results onto the main thread: one timer, a few milliseconds a tick.

What runs and how far it is lives here and not in the .blend: it must be neither saved nor undone.
"""

import atexit
import shutil
import tempfile
import time
import tomllib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import bpy

from ..link.bundle import errors, files, protocol
from ..link.desk import Desk, Job
from ..scene import places, steps, view
from ..session.face import Face, read_face
from ..session.head import Head
from . import live, preferences, thumbs

TICK_BUDGET_S = 0.008
BUSY_INTERVAL_S = 0.05
IDLE_INTERVAL_S = 0.25
WAIT_INTERVAL_S = 0.01
PREVIEW_INTERVAL_S = 0.5  # between two pictures of the unfinished face, however they come

Asked = tuple[Job, dict[str, Any]]  # a job and its parameters


@dataclass
class State:
    desk: Desk | None = None
    job: Job | None = None  # running, or done and not yet in the scene
    reading: "Future[Face | Head] | None" = None  # what the job made, read by a thread of its own
    queue: list[Asked] = field(default_factory=list)  # after the job: the face its head is for, candidates
    select: bool = False  # whether a new head becomes the active object
    failure: errors.BackendError | None = None  # of the last job
    broken_off: Job | None = None  # the last job, if its backend stopped: its folder is kept, and it can go on
    left: list[Asked] = field(default_factory=list)  # the queue behind it, which goes on with it
    drawn: tuple[object, ...] = field(default_factory=tuple)
    preview: str = ""  # the newest picture of the unfinished face, as the backend names it
    preview_icon: int = 0  # of it; without a window there are no icons
    preview_changed: float = 0.0  # when, by time.monotonic()


state = State()


@cache
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
        try:
            scratch = Path(tempfile.mkdtemp(dir=places.user_folder("jobs")))
        except OSError as error:
            raise files.refusal(Path(error.filename or "the extension's user folder"), error) from None
        chosen = preferences.get()
        memory = {"idle_s": chosen.idle_minutes * 60.0, "memory_mb": chosen.memory_gb * 1024 or None}
        state.desk = Desk(start, scratch, version(), bpy.app.version_string, **memory)
        atexit.register(close)
    return state.desk


def start(job: Job, params: dict[str, Any], *, select: bool) -> None:
    """Hands the job in; its result comes with a later tick."""
    desk().submit(job, params)
    dismiss()
    _follow(job, select)


def resume() -> None:
    """Starts the backend again for the job that it stopped in, and what waited behind; raises as `Desk.submit` does."""
    assert state.broken_off is not None
    job, state.broken_off = desk().resume(state.broken_off), None
    line_up(state.left)
    state.left = []
    _follow(job, state.select)


def dismiss() -> None:
    """Forgets how the last job ended, and what is left of it."""
    if state.broken_off is not None and state.desk is not None:
        for job in (state.broken_off, *(waiting for waiting, _ in state.left)):
            state.desk.forget(job)
    state.failure = state.broken_off = None
    state.left = []


def _follow(job: Job, select: bool) -> None:
    state.job, state.select, state.failure, state.reading, state.preview_icon = job, select, None, None, 0
    state.preview = ""
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, persistent=True)


def line_up(jobs: list[Asked]) -> None:
    """What is handed in after the job, one after the other; faces for no head yet become steps of the first's."""
    state.queue[:] = jobs


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
    state.queue.clear()
    if state.job is not None and state.desk is not None:
        state.desk.cancel(state.job)


def tick() -> float | None:
    """Blender's timer: takes in events, puts a finished face in the scene, redraws what changed."""
    if state.desk is None:
        return None
    state.desk.poll(TICK_BUDGET_S)
    job = state.job
    if job is not None and job.preview and time.monotonic() - state.preview_changed >= PREVIEW_INTERVAL_S:
        _show_preview(state.desk, job)
    if job is not None and job.end is not None:
        _end(state.desk, job, job.end)
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
    state.desk, state.job, state.failure, state.broken_off, state.reading = None, None, None, None, None
    state.queue.clear()
    state.left = []


def free_models() -> None:
    """Asks an idle backend for the memory its models take; the next job loads them again."""
    if state.desk is not None and state.job is None:
        state.desk.unload()


def blocked() -> str:
    """Why a finished face cannot be put in the scene now; empty where it can."""
    if bpy.app.is_job_running("RENDER"):
        return "Ready: waits for the render"
    if state.job is not None and state.job.target:
        try:
            found = steps.head_of_uid(state.job.target)
        except errors.HeadGone:
            return ""
        if found.mode != "OBJECT":
            return "Ready: leave the head's present mode to see it"
    return ""


def _end(at: Desk, job: Job, end: protocol.Result | protocol.Error | protocol.Cancelled) -> None:
    """Reads a finished face on a thread, then puts it in the scene; other ends are told at once.

    A face that cannot be shown keeps its folder, and the error names it.
    """
    try:
        if isinstance(end, protocol.Result) and not _is_read(at, job, end):
            return
        if isinstance(end, protocol.Result) and blocked():
            return
        _settle(job, end)
    except errors.HeadGone as error:
        live.forget()
        advice = f"to keep it, import {at.folder(job) / 'face'} as a new head before Blender ends"
        _forget(errors.HeadGone(error.message, advice=advice))
    except errors.BackendError as error:
        if job.op == "layers" and live.state.uid == job.target:
            live.restore()
        waiting = state.queue[:]
        _forget(error)
        if isinstance(error, errors.BackendCrashed):
            state.broken_off, state.left = job, waiting
        else:
            at.forget(job)
    else:
        _forget(None)
        at.forget(job)
        if state.queue:
            start(*state.queue.pop(0), select=state.select and job.op == "head")


def _is_read(at: Desk, job: Job, end: protocol.Result) -> bool:
    if state.reading is None:
        reader = ThreadPoolExecutor(1, "facewright-read")
        if job.op == "head":
            state.reading = reader.submit(places.keep_head, at.output(end, "head"), str(job.params["head"]))
        else:
            state.reading = reader.submit(read_face, at.output(end, "face"))
        reader.shutdown(wait=False)
    return state.reading.done()


def _settle(job: Job, end: protocol.Result | protocol.Error | protocol.Cancelled) -> None:
    """Puts the face in the scene, or raises what the job ended in."""
    if isinstance(end, protocol.Error):
        raise errors.rebuild(end.code, end.message, end.advice)
    if isinstance(end, protocol.Cancelled):
        raise errors.Cancelled(f"{job.label!r} was cancelled")
    assert state.reading is not None
    face = state.reading.result()
    if isinstance(face, Head):
        _settle_head(face)
        return
    if job.target:
        found = steps.head_of_uid(job.target)
        steps.add_step(found, face, job.parent)
        if job.op == "layers":  # whose face bears the words of the edit before
            steps.active_step(found).name = job.label
    else:
        found = steps.insert(bpy.context, face)
        for other, _ in state.queue:
            other.target = found.facewright.uid
        if state.select:
            view.make_active(bpy.context, found)
    live.forget()
    live.drop_picture()
    thumbs.catch_up()
    bpy.ops.ed.undo_push(message=f"Facewright: {job.label}")


def _settle_head(head: Head) -> None:
    """A head that was read for its own sake is put in the scene; else a face of it comes next."""
    if state.queue:
        return
    found = steps.insert_rest(bpy.context, head.name)
    if state.select:
        view.make_active(bpy.context, found)
    bpy.ops.ed.undo_push(message="Facewright: New Head")


def _forget(failure: errors.BackendError | None) -> None:
    state.job, state.failure, state.reading, state.preview_icon = None, failure, None, 0
    if failure is not None:
        state.queue.clear()


def _show_preview(at: Desk, job: Job) -> None:
    try:
        state.preview_icon = thumbs.load(job.preview, at.inside(job.preview), at_once=True)
        state.preview, state.preview_changed = job.preview, time.monotonic()
    except errors.PathRefused as error:
        state.failure = error
    job.preview = ""


def _redraw() -> None:
    """Asks for a new panel only where something in it has changed."""
    job = state.job
    second = int(time.monotonic()) if job else 0
    now: tuple[object, ...] = (state.failure,)
    if job is not None:
        now = (job.id, job.phase, job.step, job.cancelling, job.end, second, state.preview)
    if now != state.drawn:
        state.drawn = now
        view.redraw()
