# SPDX-License-Identifier: GPL-3.0-or-later
"""Sliders of the sidebar that move the head while they are dragged, and make one step when they are let go.

Their values live on the window manager: Blender neither saves them nor makes undo steps of them. They mirror the
step the head shows, or the head at rest that has none yet, and are read anew when that is another one.
"""

import time
from dataclasses import dataclass, field

import bpy
import numpy as np
from bpy.props import BoolProperty, CollectionProperty, FloatProperty, IntProperty, PointerProperty, StringProperty
from numpy.typing import NDArray

from ..link.bundle import errors
from ..scene import material, mesh, steps, view
from ..session import changes, layers
from ..session.face import Face
from ..session.head import Head

IDLE_S = 0.6  # after the last change without a mouse button, such as a typed number
PICTURE = "Facewright live"


@dataclass
class State:
    uid: str = ""  # of the session that is mirrored, and the step
    step_uid: str = ""
    face: Face | None = None
    head: Head | None = None
    stack: layers.Stack | None = None
    sliders: "NDArray[np.float32] | None" = None  # where the sidebar shows them in the step, within their ranges
    totals: "NDArray[np.float32] | None" = None  # the same, where layers may have taken them beyond
    unread: str = ""  # why the step or the head model cannot be mirrored
    dirty: str = ""  # "layers" or "sliders", moved and not yet kept
    pending: bool = False  # moved since the head was last redrawn
    changed_at: float = 0.0
    filling: bool = False  # the mirror is being written, nobody is dragging
    watching: bool = False
    pixels: "NDArray[np.float32] | None" = field(default=None, repr=False)


state = State()


def _begin() -> bool:
    """Before the first move: keeps what hands have sculpted as a step; whether the head may be moved at all.

    A mesh or material that copies share becomes the head's own first, so that none of them moves along.
    """
    try:
        found = steps.head_of_uid(state.uid)
        if found.mode != "OBJECT":
            _fill()
            return False
        steps.own_session(found)
        if steps.capture(found):
            moved = {one.name: getattr(one, one.shown) for one in values().sliders}
            layered = {one.number: (one.strength, one.muted) for one in values().layers}
            mirror(found)
            state.filling = True
            for one in values().sliders:
                setattr(one, one.shown, moved[one.name])
            for one in values().layers:
                one.strength, one.muted = layered.get(one.number, (one.strength, one.muted))
            state.filling = False
    except errors.BackendError:  # the head is gone or another: what was moved has nothing to move
        _fill()
        return False
    return True


def _moved(kind: str):
    def update(_self: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
        if state.filling or state.face is None or not (state.dirty or _begin()):
            return
        state.dirty, state.pending, state.changed_at = kind, True, time.monotonic()
        show()
        watch()

    return update


class FACEWRIGHT_PG_live_layer(bpy.types.PropertyGroup):
    """One layer of the face; `name` is its instruction."""

    number: IntProperty()
    kind: StringProperty()
    strength: FloatProperty(
        name="Strength",
        description="How much of this edit shows; 1 is as it was made",
        min=0.0,
        max=2.0,
        update=_moved("layers"),
    )
    muted: BoolProperty(name="Mute", description="Leave this edit out", update=_moved("layers"))


class FACEWRIGHT_PG_live_slider(bpy.types.PropertyGroup):
    """One semantic slider; `name` is the head model's."""

    label: StringProperty()
    group: StringProperty()
    lowest: FloatProperty()
    value: FloatProperty(name="Value", min=-1.0, max=1.0, update=_moved("sliders"))
    share: FloatProperty(name="Value", min=0.0, max=1.0, update=_moved("sliders"))

    @property
    def shown(self) -> str:
        """The property that has the slider's range."""
        return "share" if self.lowest >= 0 else "value"


class FACEWRIGHT_PG_live(bpy.types.PropertyGroup):
    layers: CollectionProperty(type=FACEWRIGHT_PG_live_layer)
    sliders: CollectionProperty(type=FACEWRIGHT_PG_live_slider)
    chosen: IntProperty(name="Layer")
    search: StringProperty(
        name="Search", description="Show the sliders whose names hold this", options={"TEXTEDIT_UPDATE"}
    )
    open_groups: StringProperty(default="person")


def values() -> bpy.types.PropertyGroup:
    return bpy.context.window_manager.facewright_live


def current(context: bpy.types.Context) -> bool:
    """Whether the mirror is of what the chosen head shows; where not, it soon is. Drawing may call this."""
    found = steps.chosen_head(context)
    if found is None:
        return False
    if (found.facewright.uid, found.facewright.active_uid) == (state.uid, state.step_uid):
        return True
    if not bpy.app.timers.is_registered(_mirror_soon):
        bpy.app.timers.register(_mirror_soon, first_interval=0.0)
    return False


def mirror(found: bpy.types.Object) -> None:
    """Reads the layers and sliders of the step the head shows, or of the head at rest.

    Raises:
        errors.BackendError: the step is damaged.
    """
    forget()
    drop_picture()
    face = steps.shown_face(found)
    head = steps.head_of(face)
    try:
        state.stack = layers.read_stack(face, material.mask_of)
    except (ValueError, KeyError) as error:
        raise errors.FaceInvalid(f"a layer of the face is damaged: {error}", advice="go back a step") from None
    state.face, state.head = face, head
    state.uid, state.step_uid = found.facewright.uid, found.facewright.active_uid
    if head.sliders is not None:
        state.sliders = state.totals = changes.slider_values(face, head.sliders)
    _fill()
    if head.sliders is not None:
        state.sliders = sliders_now()
    view.redraw()


def forget() -> None:
    """Drops the mirror, as after undo: the next drawing reads it anew."""
    state.uid = state.step_uid = state.unread = state.dirty = ""
    state.face = state.head = state.stack = state.sliders = state.totals = state.pixels = None
    state.pending = False


def drop_picture() -> None:
    """Removes what was painted during a drag, once the head wears a step's picture again."""
    if (image := bpy.data.images.get(PICTURE)) is not None and not image.users:
        bpy.data.images.remove(image)


def show() -> None:
    """Shows the head as the sidebar's values say; nothing is kept of it."""
    if not state.pending or state.face is None or state.head is None or state.stack is None:
        return
    state.pending = False
    try:
        found = steps.head_of_uid(state.uid)
        if state.dirty == "layers":
            stack = stack_now()
            mesh.write_positions(found, state.head, stack.points(), state.face.expressions)
            if any(layer.where is not None for layer in stack.layers):
                _paint(found, stack.texels())
        elif state.head.sliders is not None and state.sliders is not None:
            base = changes.base_sliders(state.face, state.head.sliders)
            moved = state.head.sliders.difference(base, base + slider_moves())
            mesh.write_positions(found, state.head, state.face.vertices + moved, state.face.expressions)
    except errors.BackendError:  # deleted or changed meanwhile: keeping it says so
        return


def restore() -> None:
    """Shows the step as it is and puts the values back."""
    state.dirty, state.pending = "", False
    if state.face is None:
        return
    steps.show_again(steps.head_of_uid(state.uid), state.face)
    _fill()


def stack_now() -> layers.Stack:
    """The layers as the sidebar has them."""
    assert state.stack is not None
    stack = state.stack
    for one in values().layers:
        stack = stack.changed(one.number, strength=one.strength, muted=one.muted)
    return stack


def sliders_now() -> NDArray[np.float32]:
    """(S,) the sliders as the sidebar has them, within their ranges."""
    assert state.head is not None
    assert state.head.sliders is not None
    found = np.array([getattr(one, one.shown) for one in values().sliders], np.float32)
    return np.clip(found, *state.head.sliders.ranges.T)


def slider_moves() -> NDArray[np.float32]:
    """(S,) how far each slider that the user moved is from where it was; 0 for the others."""
    now = sliders_now()
    assert state.sliders is not None
    assert state.totals is not None
    return np.where(now != state.sliders, now - state.totals, np.float32(0))


def watch() -> None:
    """Waits for the end of a drag, in a window; a script keeps what it has set by the Keep operators."""
    if bpy.app.background or state.watching:
        return
    state.watching = True
    bpy.ops.facewright.watch_drag("INVOKE_DEFAULT")


def _paint(found: bpy.types.Object, texels: NDArray[np.uint8]) -> None:
    """Puts the texels (S, S, 3) into a picture for the time of a drag, and the picture on the head."""
    size = texels.shape[0]
    image = bpy.data.images.get(PICTURE)
    if image is None or tuple(image.size) != (size, size):
        image = bpy.data.images.new(PICTURE, size, size, alpha=False)
    if state.pixels is None or len(state.pixels) != size * size * 4:
        state.pixels = np.ones(size * size * 4, np.float32)
    np.multiply(texels[::-1], np.float32(1 / 255), out=state.pixels.reshape(size, size, 4)[..., :3])
    image.pixels.foreach_set(state.pixels)
    image.update()
    if material.shown_image(found) != image:
        material.show(found, image)


def _fill() -> None:
    live = values()
    state.filling = True
    try:
        live.layers.clear()
        for layer in state.stack.layers if state.stack else ():
            one = live.layers.add()
            one.name, one.number, one.kind = layer.name, layer.number, layer.kind
            one.strength, one.muted = layer.strength, layer.muted
        _fill_sliders(live)
    finally:
        state.filling = False


def _fill_sliders(live: bpy.types.PropertyGroup) -> None:
    sliders = state.head.sliders if state.head else None
    if sliders is None or state.sliders is None:
        live.sliders.clear()
        return
    if [one.name for one in live.sliders] != list(sliders.names):
        live.sliders.clear()
        for name, label, group, (lowest, _) in zip(
            sliders.names, sliders.labels, sliders.groups, sliders.ranges, strict=True
        ):
            one = live.sliders.add()
            one.name, one.label, one.group, one.lowest = name, label, group, lowest
    for one, value in zip(live.sliders, state.sliders, strict=True):
        setattr(one, one.shown, float(value))


def _mirror_soon() -> None:
    found = steps.chosen_head(bpy.context)
    if found is not None and not state.dirty:
        try:
            mirror(found)
        except errors.BackendError as error:
            state.uid, state.step_uid = found.facewright.uid, found.facewright.active_uid
            state.unread = f"{error.message}: {error.advice}"
            view.redraw()


CLASSES = (FACEWRIGHT_PG_live_layer, FACEWRIGHT_PG_live_slider, FACEWRIGHT_PG_live)


def register() -> None:
    bpy.types.WindowManager.facewright_live = PointerProperty(type=FACEWRIGHT_PG_live)


def unregister() -> None:
    if bpy.app.timers.is_registered(_mirror_soon):
        bpy.app.timers.unregister(_mirror_soon)
    forget()
    del bpy.types.WindowManager.facewright_live
