# SPDX-License-Identifier: GPL-3.0-or-later
"""What panels and operators share."""

from functools import lru_cache

import blf
import bpy

from ..link.bundle import errors
from ..scene import steps
from . import pump

TAB = "Facewright"
# Pixels at interface scale 1: the sidebar as Blender opens it, what margins, scroll bar and tabs take of it, an icon.
WIDTH_PX, MARGIN_PX, ICON_PX = 280, 67, 20
PAIR_PX = 190  # two buttons with an icon and a word each


class SidebarPanel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB


class SubPanel(SidebarPanel):
    bl_parent_id = "FACEWRIGHT_PT_main"


class HeadPanel(SubPanel):
    """Of a head, be it at rest."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return steps.chosen_head(context) is not None


class FacePanel(SubPanel):
    """Of a head that has steps."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        found = steps.chosen_head(context)
        return found is not None and bool(found.facewright.steps)


def explain(operator: bpy.types.Operator, error: errors.BackendError) -> set[str]:
    """Reports the error with its number and advice; from a script this raises RuntimeError."""
    kind = "WARNING" if isinstance(error, errors.Cancelled) else "ERROR"
    said = f"E{error.code} {error.title}: {error.message}"
    operator.report({kind}, f"{said} ({error.advice})" if error.advice else said)
    return {"CANCELLED"}


class Explaining:
    """An operator whose `act` may raise an error that its user is told."""

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            self.act(context)
        except errors.BackendError as error:
            return explain(self, error)
        return {"FINISHED"}


def idle(cls: type[bpy.types.Operator]) -> bool:
    """Whether a job can be given now; says why not."""
    if pump.state.job is not None:
        cls.poll_message_set("One face at a time: wait for the present job, or cancel it")
        return False
    return True


def has_head(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether a head is chosen and can be changed now; says why not."""
    found = steps.chosen_head(context)
    if found is None:
        cls.poll_message_set("Add or generate a head, or make one the active object")
        return False
    if found.mode != "OBJECT":
        cls.poll_message_set("Go to Object Mode: the head is being changed by hand")
        return False
    return True


def has_face(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether a head with a face is chosen and can be changed now; says why not."""
    found = steps.chosen_head(context)
    if found is None or not found.facewright.steps:
        cls.poll_message_set("Generate or import a face, or make one the active object")
        return False
    return has_head(cls, context)


def wrapped(
    layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str = "NONE", beside: int = 0
) -> None:
    """Labels of as many lines as the region's width asks for, in the user's language; the first carries the icon.

    Args:
        beside: buttons of one icon in the same row.
    """
    scale = _scale(context)
    room = (_room(context) - ICON_PX * (beside + (icon != "NONE"))) * scale
    points = context.preferences.ui_styles[0].widget.points * scale
    for line in broken(bpy.app.translations.pgettext_iface(text), int(room), points) or ("",):
        layout.label(text=line, icon=icon, translate=False)
        icon = "BLANK1" if icon != "NONE" else icon


def abreast(context: bpy.types.Context) -> int:
    """Columns of short buttons that fit: two, or one in a narrow sidebar."""
    return 2 if _room(context) >= PAIR_PX else 1


def _room(context: bpy.types.Context) -> float:
    """The width of a panel's content, in pixels at interface scale 1."""
    region = getattr(context, "region", None)
    return (region.width / _scale(context) if region else WIDTH_PX) - MARGIN_PX


def _scale(context: bpy.types.Context) -> float:
    return context.preferences.system.ui_scale or 1.0  # 0 without a window


@lru_cache(maxsize=256)  # drawing asks again and again
def broken(text: str, room: int, points: float) -> tuple[str, ...]:
    """The text in lines of at most `room` pixels, between words where it can be."""
    blf.size(0, points)
    lines: list[str] = []
    for word in text.split():
        if lines and blf.dimensions(0, f"{lines[-1]} {word}")[0] <= room:
            lines[-1] += f" {word}"
            continue
        while word:  # one that is wider than a line, as Chinese sentences and paths are, is cut where it must
            fits = next((end for end in range(len(word), 1, -1) if blf.dimensions(0, word[:end])[0] <= room), 1)
            lines.append(word[:fits])
            word = word[fits:]
    return tuple(lines)
