# SPDX-License-Identifier: GPL-3.0-or-later
"""What panels and operators share."""

import textwrap

import bpy

from ..link.bundle import errors
from ..scene import steps
from . import pump

TAB = "Facewright"
CHARACTER_PX = 7.5  # mean width of a letter at interface scale 1


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


def wrapped(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str = "NONE") -> None:
    """Labels of as many lines as the region is wide; the first carries the icon."""
    region = getattr(context, "region", None)
    scale = context.preferences.system.ui_scale or 1.0  # 0 without a window
    width = int((region.width if region else 300) / (CHARACTER_PX * scale)) - 5
    for line in textwrap.wrap(text, max(16, width)) or [""]:
        layout.label(text=line, icon=icon, translate=False)
        icon = "BLANK1" if icon != "NONE" else icon
