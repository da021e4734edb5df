# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of sliders that were moved: one step, when they are let go or a script says so."""

import time

import bpy

from ..link.bundle import errors
from ..scene import steps
from ..session import changes
from . import live, pump, submitting, thumbs
from .base import Explaining, explain, has_head, idle

POLL_S = 0.1


class FACEWRIGHT_OT_watch_drag(bpy.types.Operator):
    """Runs while a slider of the sidebar is dragged; its end is the release of the mouse button."""

    bl_idname = "facewright.watch_drag"
    bl_label = "Keep Moved Sliders"
    bl_description = "Keep what was moved as one step once the mouse button is released"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.held = is_press(event)  # of what happened last: a timer's own events do not tell of it
        self.timer = context.window_manager.event_timer_add(POLL_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        live.show()
        if not let_go(event, self.held):
            return {"PASS_THROUGH"}
        self.cancel(context)
        try:
            keep()
        except errors.BackendError as error:
            live.restore()
            explain(self, error)
        return {"FINISHED", "PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        context.window_manager.event_timer_remove(self.timer)
        live.state.watching = False


def is_press(event: bpy.types.Event) -> bool:
    return event.type == "LEFTMOUSE" and event.value == "PRESS"


def let_go(event: bpy.types.Event, held: bool) -> bool:
    """Whether the drag is over: its button released, or nothing moved for a while where none was held, as in typing.

    A new press ends it too: the release may have gone to another window.
    """
    if is_press(event) or (event.type == "LEFTMOUSE" and event.value == "RELEASE"):
        return True
    return not held and time.monotonic() - live.state.changed_at > live.IDLE_S


def keep() -> None:
    """Makes one step of what the sidebar's sliders were moved to; nothing where they are where they were.

    Raises:
        errors.BackendError: the head is gone or changed, or another job runs.
    """
    kind = live.state.dirty
    if kind == "sliders":
        keep_sliders()
    elif kind == "layers":
        keep_layers(None)


def keep_sliders() -> None:
    face, head = live.state.face, live.state.head
    if face is None or head is None or head.sliders is None or live.state.sliders is None:
        return
    found, values = steps.head_of_uid(live.state.uid), live.sliders_now()
    moved = [index for index, value in enumerate(values) if value != live.state.sliders[index]]
    live.state.dirty = ""
    if not moved:
        return
    label = ", ".join(f"{head.sliders.labels[index]} {values[index]:.2f}" for index in moved[:3])
    label += f" and {len(moved) - 3} more" if len(moved) > 3 else ""
    moved_face = changes.move_sliders(face, head.sliders, live.slider_moves(), label)
    steps.add_step(found, moved_face, live.state.step_uid)
    finish(found, label)


def keep_layers(operator: submitting.Submitting | None, order: list[int] | None = None) -> None:
    """Gives the moved layers to the backend, which makes the step; until then the head shows what was dragged."""
    found, stack, before = steps.head_of_uid(live.state.uid), live.stack_now(), live.state.stack
    assert before is not None
    live.state.dirty = ""
    old = {layer.number: layer for layer in before.layers}
    strengths = {one.number: one.strength for one in stack.layers if one.strength != old[one.number].strength}
    mute = [one.number for one in stack.layers if one.muted and not old[one.number].muted]
    unmute = [one.number for one in stack.layers if not one.muted and old[one.number].muted]
    if not (strengths or mute or unmute or order):
        live.restore()
        return
    if pump.state.job is not None:
        raise errors.UsageError("another job is running", advice="wait for it, or cancel it, and move the slider again")
    job = submitting.job_on(found, "layers", _label(stack, strengths, mute, unmute), sculpting=False)
    params = {"face": f"{job.id}/parent", "strengths": {str(number): value for number, value in strengths.items()}}
    params |= {"mute": mute, "unmute": unmute, **({"order": order} if order else {})}
    submitting.run(operator, job, params)


def _label(stack, strengths: dict[int, float], mute: list[int], unmute: list[int]) -> str:
    names = {layer.number: layer.name for layer in stack.layers}
    said = [f"{names[number]} at {value:.2f}" for number, value in strengths.items()]
    said += [f"without {names[number]}" for number in mute] + [f"with {names[number]}" for number in unmute]
    return ", ".join(said) or "layers in another order"


def finish(found: bpy.types.Object, label: str) -> None:
    """After a step made here: the mirror follows, and one undo step holds it."""
    live.mirror(found)
    thumbs.catch_up()
    bpy.ops.ed.undo_push(message=f"Facewright: {label}")


def in_step(context: bpy.types.Context) -> bpy.types.Object:
    """The chosen head with its mirror read, sculpting kept; for scripts, which draw no panel."""
    found = steps.require_head(context)
    captured = not live.state.dirty and steps.capture(found)
    if captured or (live.state.uid, live.state.step_uid) != (found.facewright.uid, found.facewright.active_uid):
        live.mirror(found)
    return found


class FACEWRIGHT_OT_keep(submitting.Submitting, Explaining, bpy.types.Operator):
    bl_idname = "facewright.keep"
    bl_label = "Keep Changes"
    bl_description = "Make one step of the sliders and layers that were moved; for scripts"
    bl_options = {"REGISTER", "INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return idle(cls) and has_head(cls, context)

    def act(self, _context: bpy.types.Context) -> None:
        keep()


CLASSES = (FACEWRIGHT_OT_watch_drag, FACEWRIGHT_OT_keep)
