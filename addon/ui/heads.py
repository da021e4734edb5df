# SPDX-License-Identifier: GPL-3.0-or-later
"""Which head model new heads are of. All but the embedded one are read by the backend once, and kept as a file."""

from functools import cache
from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ..link.bundle import checkpoints, errors
from ..link.desk import Job
from ..scene import places
from . import preferences
from .base import wrapped

EMBEDDED = "anny"
NOTE_UNITS = 20  # width of the popup, in Blender's units


@cache  # drawing asks again and again
def entries() -> dict[str, dict[str, Any]]:
    """What the registry says of each head model, the embedded one first."""
    places.name_home()
    found = dict(checkpoints.registry()["heads"])
    return {EMBEDDED: found.pop(EMBEDDED), **found}


def title(name: str) -> str:
    return str(entries().get(name, {}).get("title", name))


def sources(name: str) -> list[Path]:
    """The model's own files on this computer."""
    places.name_home()
    wanted = checkpoints.known().get(name)
    return checkpoints.head_files(wanted) if wanted is not None else []


def offered(name: str) -> bool:
    """Whether heads of the model can be made: its files are here, or they may be on the computer of the backend."""
    far = bool(preferences.get().remote_command.strip())
    return name == EMBEDDED or far or places.head_file(name).is_file() or bool(sources(name))


def require(name: str) -> None:
    """Raises errors.HeadMissing, with what to do, where the model is not here; UsageError where there is none."""
    if name not in entries():
        raise errors.UsageError(f"there is no head model {name!r}", advice=f"there are {', '.join(entries())}")
    if not offered(name):
        raise errors.HeadMissing(f"{title(name)} is not on this computer", advice=checkpoints.head_advice(name))


def reading(name: str) -> tuple[Job, dict[str, Any]] | None:
    """The job that reads the model into a file; None where there is one, and the model has not changed since."""
    kept = places.head_file(name)
    newest = max((path.stat().st_mtime for path in sources(name)), default=0.0)
    if name == EMBEDDED or (kept.is_file() and kept.stat().st_mtime >= newest):
        return None
    job = Job("head", title(name))
    return job, {"head": name, "out": f"{job.id}/head.npz"}


class FACEWRIGHT_OT_choose_head(bpy.types.Operator):
    bl_idname = "facewright.choose_head"
    bl_label = "Choose Head Model"
    bl_description = "Make new heads of this model; one that is not on this computer says how to get it"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    name: StringProperty(options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if offered(self.name):
            return self.execute(context)
        return context.window_manager.invoke_popup(self, width=NOTE_UNITS * 20)

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        column.label(text=title(self.name), icon="INFO", translate=False)
        wrapped(column, context, checkpoints.head_advice(self.name))
        for page in _pages(self.name):
            column.operator("wm.url_open", text=page, icon="URL", translate=False).url = page

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.facewright_ui.head = self.name
        return {"FINISHED"}


def _pages(name: str) -> list[str]:
    return [source["page"] for source in entries()[name]["sources"] if "page" in source]


class FACEWRIGHT_MT_heads(bpy.types.Menu):
    bl_label = "Head"

    def draw(self, _context: bpy.types.Context) -> None:
        missing = [name for name in entries() if not offered(name)]
        for name in entries():
            if name not in missing:
                _item(self.layout, name)
        if missing:
            self.layout.separator()
            self.layout.label(text="Not on this computer")
        for name in missing:
            _item(self.layout, name, icon="QUESTION")


def _item(layout: bpy.types.UILayout, name: str, icon: str = "NONE") -> None:
    layout.operator(FACEWRIGHT_OT_choose_head.bl_idname, text=title(name), icon=icon, translate=False).name = name


def draw_choice(layout: bpy.types.UILayout, drafts: bpy.types.PropertyGroup) -> None:
    row = layout.row(align=True)
    row.label(text="Head")
    row.menu(FACEWRIGHT_MT_heads.__name__, text=title(drafts.head), translate=False)
    if "shoulders" in entries().get(drafts.head, {}):
        layout.prop(drafts, "shoulders")


CLASSES = (FACEWRIGHT_OT_choose_head, FACEWRIGHT_MT_heads)
