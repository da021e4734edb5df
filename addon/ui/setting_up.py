# SPDX-License-Identifier: GPL-3.0-or-later
"""The set-up of the backend's environment and of checkpoints, in a thread, while the artist goes on."""

import os
from dataclasses import dataclass, field
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..link.bundle import checkpoints, environment, errors
from ..scene import places, view
from . import preferences
from .base import Explaining, wrapped

POLL_S = 0.25
PROFILE = "run"


@dataclass
class State:
    ready: bool | None = None  # None: not looked yet
    looking: "environment.InBackground | None" = None
    preview: "environment.Preview | None" = None  # what a set-up would bring, to be confirmed
    going: "environment.InBackground | None" = None
    what: str = ""  # that goes
    event: dict[str, Any] = field(default_factory=dict)  # the newest of it
    failure: errors.BackendError | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)  # the checkpoints
    full_mb: int = 0  # of the full family that are not here


state = State()


def busy() -> bool:
    return state.looking is not None or state.going is not None


def look_soon() -> None:
    """Finds out in a moment whether a backend is there. Drawing may call this."""
    if state.ready is None and not bpy.app.timers.is_registered(_look):
        bpy.app.timers.register(_look, first_interval=0.0)


def _look() -> None:
    try:
        preferences.backend_start()
        state.ready = True
    except errors.BackendError:
        state.ready = False
    state.full_mb = _full_mb()
    view.redraw()


def _full_mb() -> int:
    """Megabytes of the full family that are not here; what another computer has is not known."""
    if preferences.get().remote_command.strip():
        return 0
    places.name_home()
    wanted = checkpoints.expand(["full"])
    return sum(one.about_mb or 0 for one in wanted if checkpoints.state(one) in ("absent", "partial"))


def set_up() -> "environment.SetUp":
    return environment.SetUp(
        places.home(), PROFILE, os.environ, offline=not bpy.app.online_access, folder=preferences.wheels()
    )


def begin(what: str, work: Any) -> None:
    """Runs `work(emit, cancelled)` in a thread; the timer follows it."""
    state.going, state.what, state.event, state.failure, state.preview = None, what, {}, None, None
    state.going = environment.InBackground(work)
    _follow()


def close() -> None:
    """Stops what runs; what has come stays for the next time."""
    for work in (state.looking, state.going):
        if work is not None:
            work.cancel()
    for function in (_tick, _look):
        if bpy.app.timers.is_registered(function):
            bpy.app.timers.unregister(function)
    state.looking = state.going = state.preview = state.failure = None
    state.ready = None


def _follow() -> None:
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, persistent=True)


def _tick() -> float | None:
    if state.looking is not None and not state.looking.running:
        state.preview, state.failure = state.looking.result, state.looking.error
        state.looking = None
    if state.going is not None:
        for event in state.going.poll():
            state.event = event if event.get("type") == "progress" else {**state.event, **event}
        if not state.going.running:
            state.failure, state.going, state.ready = state.going.error, None, None
            state.rows = []
    view.redraw()
    return POLL_S if busy() else None


class FACEWRIGHT_OT_set_up(Explaining, bpy.types.Operator):
    bl_idname = "facewright.set_up"
    bl_label = "Set Up"
    bl_description = "Look at this computer and say what would be fetched; nothing is fetched yet"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if busy():
            cls.poll_message_set("A set-up is running")
            return False
        return True

    def act(self, _context: bpy.types.Context) -> None:
        state.failure, state.preview = None, None
        setup = set_up()
        state.looking = environment.InBackground(lambda emit, cancelled: setup.look())
        _follow()


class FACEWRIGHT_OT_install(Explaining, bpy.types.Operator):
    bl_idname = "facewright.install"
    bl_label = "Install"
    bl_description = "Fetch the packages and test them, in the background; Blender stays usable"

    repair: BoolProperty(name="Repair", description="Make it anew where something is damaged", options={"SKIP_SAVE"})
    wait: BoolProperty(name="Wait", description="Return when it is done; for scripts", options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if busy():
            cls.poll_message_set("A set-up is running")
            return False
        if state.preview is not None and state.preview.faults:
            cls.poll_message_set(state.preview.faults[0].message)
            return False
        return True

    def act(self, _context: bpy.types.Context) -> None:
        setup, repair = set_up(), self.repair
        begin("packages", lambda emit, cancelled: setup.run(emit, cancelled, repair=repair))
        if self.wait and state.going is not None:
            state.going.join()
            _tick()
            if state.failure is not None:
                raise state.failure


class FACEWRIGHT_OT_fetch_checkpoint(Explaining, bpy.types.Operator):
    bl_idname = "facewright.fetch_checkpoint"
    bl_label = "Fetch"
    bl_description = "Fetch this checkpoint in the background, under the licence shown"

    name: StringProperty(options={"SKIP_SAVE"})
    licences: StringProperty(options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if busy():
            cls.poll_message_set("A set-up is running")
            return False
        return True

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self, title="Fetch under this licence?")

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.label(text=self.name, translate=False)
        self.layout.label(text=self.licences or "No licence has to be accepted", icon="INFO")

    def act(self, _context: bpy.types.Context) -> None:
        wanted = checkpoints.known().get(self.name)
        if wanted is None:
            raise errors.CheckpointUnknown(f"no checkpoint {self.name!r}", advice="the preferences list them")
        accept = tuple(filter(None, self.licences.split(", ")))
        terms = checkpoints.Terms.of(os.environ, accept, offline=not bpy.app.online_access)
        begin(self.name, lambda emit, cancelled: checkpoints.fetch(wanted, terms, emit, cancelled))


class FACEWRIGHT_OT_stop_set_up(bpy.types.Operator):
    bl_idname = "facewright.stop_set_up"
    bl_label = "Stop"
    bl_description = "Stop the set-up; what has come stays for the next time"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        if state.going is not None:
            state.going.cancel()
        state.preview, state.failure = None, None
        return {"FINISHED"}


def draw_strip(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What is missing, what would come, or how far it has come; nothing where a backend is there."""
    look_soon()
    if state.going is not None:
        _draw_going(layout)
    elif state.looking is not None:
        layout.label(text="Looking at this computer", icon="VIEWZOOM")
    elif state.failure is not None and not isinstance(state.failure, errors.Cancelled):
        box = layout.box().column(align=True)
        wrapped(box, context, f"E{state.failure.code} {state.failure.title}", icon="ERROR")
        for line in filter(None, (state.failure.message, state.failure.advice)):
            wrapped(box, context, line)
        box.operator(FACEWRIGHT_OT_set_up.bl_idname, text="Try Again", icon="FILE_REFRESH")
    elif state.preview is not None:
        _draw_preview(layout, context, state.preview)
    elif state.ready is False:
        box = layout.box().column(align=True)
        box.label(text="Set-up", icon="IMPORT")
        wrapped(box, context, "Words need the backend's packages. Heads, sliders and exports work without.")
        box.operator(FACEWRIGHT_OT_set_up.bl_idname, icon="VIEWZOOM")


def draw_full(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What the full networks would take, where they are not here, and the way to them."""
    if state.full_mb:
        wrapped(layout, context, f"Full networks: {state.full_mb / 1000:.1f} GB to fetch", icon="INFO")
        to = layout.operator("preferences.addon_show", text="Checkpoints", icon="PREFERENCES")
        to.module = preferences.PACKAGE


def _draw_going(layout: bpy.types.UILayout) -> None:
    event = state.event
    step, total = event.get("bytes", event.get("step", 0)), event.get("bytes_total", event.get("total", 0))
    share = min(1.0, step / total) if total else 0.0
    left = event.get("seconds_left")
    said = f"{state.what}: {event.get('phase', event.get('state', ''))} {100 * share:.0f} %"
    row = layout.row(align=True)
    row.progress(text=f"{said}, {left:.0f} s" if left else said, factor=share, type="BAR")
    row.operator(FACEWRIGHT_OT_stop_set_up.bl_idname, text="", icon="CANCEL")


def _draw_preview(layout: bpy.types.UILayout, context: bpy.types.Context, preview: "environment.Preview") -> None:
    box = layout.box().column(align=True)
    box.label(text="Set-up", icon="IMPORT")
    for line in preview.lines():
        wrapped(box, context, line)
    for fault in preview.faults:
        wrapped(box, context, fault.advice, icon="ERROR")
    row = box.row()
    row.operator(FACEWRIGHT_OT_install.bl_idname, icon="IMPORT")
    row.operator(FACEWRIGHT_OT_stop_set_up.bl_idname, text="Later")


def draw_checkpoints(layout: bpy.types.UILayout) -> None:
    """The registry: what each is, its size and licence, whether it is here; read at the first drawing."""
    if not state.rows:
        places.name_home()
        state.rows = [row for row in checkpoints.rows() if row["kind"] != "embedded"]
    for row in state.rows:
        line = layout.row()
        line.label(text=f"{row['title']} ({row['state']})", translate=False)
        line.label(text=f"{row['about_mb'] or '?'} MB, {' + '.join(row['licences'])}", translate=False)
        button = line.row()
        button.enabled = row["state"] != "installed" and not row["by_hand"]
        fetch = button.operator(FACEWRIGHT_OT_fetch_checkpoint.bl_idname, icon="IMPORT")
        fetch.name, fetch.licences = row["name"], ", ".join(row["accept"])


CLASSES = (
    FACEWRIGHT_OT_set_up,
    FACEWRIGHT_OT_install,
    FACEWRIGHT_OT_fetch_checkpoint,
    FACEWRIGHT_OT_stop_set_up,
)
