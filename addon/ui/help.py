# SPDX-License-Identifier: GPL-3.0-or-later
"""What a problem report needs, with one press; and the log."""

import platform
import re
from pathlib import Path

import bpy
from bpy.props import BoolProperty

from ..link.bundle import BUNDLED
from . import preferences, pump
from .base import SubPanel, idle

LOG_LINES = 100
LOG_NAME = "Facewright log"


def report(*, with_words: bool) -> str:
    """Versions, the last error and the end of the log, without the user's home and, by default, words."""
    failure, desk, job = pump.state.failure, pump.state.desk, pump.state.job
    lines = [
        f"Facewright {pump.version()} ({'installed' if BUNDLED else 'checkout'})",
        f"Blender {bpy.app.version_string}, {platform.platform()}, Python {platform.python_version()}",
        f"backend: {_backend()}",
    ]
    if job is not None:
        lines.append(f"job: {job.op}, {job.phase} {job.step}/{job.total}")
    if failure is not None:
        lines += [f"error E{failure.code} {failure.title}: {failure.message}", f"advice: {failure.advice}"]
    lines += ["log:", *(desk.log[-LOG_LINES:] if desk else ())]
    text = "\n".join(lines).replace(str(Path.home()), "~")
    return text if with_words else _without_words(text)


def _backend() -> str:
    ready = pump.state.desk.ready if pump.state.desk else None
    if ready is None:
        return "not started"
    devices = ", ".join(str(device.get("name")) for device in ready.devices) or "CPU"
    return f"torch {ready.torch}, {devices}"


def _without_words(text: str) -> str:
    """The report without what the user has asked for: drafts, and the words of every step."""
    said = {scene.facewright_ui.prompt for scene in bpy.data.scenes}
    said |= {scene.facewright_ui.instruction for scene in bpy.data.scenes}
    said |= {step.name for found in bpy.data.objects for step in found.facewright.steps}
    for words in sorted(said - {""}, key=len, reverse=True):
        text = re.sub(re.escape(words), "<words>", text)
    return text


class FACEWRIGHT_OT_copy_report(bpy.types.Operator):
    bl_idname = "facewright.copy_report"
    bl_label = "Copy Report"
    bl_description = "Put versions, the last error and the end of the log on the clipboard"

    with_words: BoolProperty(name="With My Words", description="Include prompts and instructions")

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.window_manager.clipboard = report(with_words=self.with_words)
        self.report({"INFO"}, "The report is on the clipboard")
        return {"FINISHED"}


class FACEWRIGHT_OT_open_log(bpy.types.Operator):
    bl_idname = "facewright.open_log"
    bl_label = "Open Log"
    bl_description = "Put what the backend has written into a text of this file, to read in the Text Editor"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if pump.state.desk is None or not pump.state.desk.log:
            cls.poll_message_set("The backend has not been started, so it has written nothing")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        text = bpy.data.texts.get(LOG_NAME) or bpy.data.texts.new(LOG_NAME)
        text.clear()
        text.write("\n".join(pump.state.desk.log))
        self.report({"INFO"}, f"See the text {text.name!r} in the Text Editor")
        return {"FINISHED"}


class FACEWRIGHT_OT_free_memory(bpy.types.Operator):
    bl_idname = "facewright.free_memory"
    bl_label = "Free Memory"
    bl_description = "Let the backend drop its networks, for Blender to render with; the next job loads them again"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if pump.state.desk is None or not pump.state.desk.alive():
            cls.poll_message_set("The backend does not run: it holds no memory")
            return False
        return idle(cls)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        pump.free_models()
        return {"FINISHED"}


class FACEWRIGHT_PT_help(SubPanel, bpy.types.Panel):
    bl_label = "Help"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator(FACEWRIGHT_OT_copy_report.bl_idname, icon="COPYDOWN")
        layout.operator(FACEWRIGHT_OT_open_log.bl_idname, icon="TEXT")
        layout.operator(FACEWRIGHT_OT_free_memory.bl_idname, icon="MEMORY")
        layout.operator("preferences.addon_show", text="Preferences", icon="PREFERENCES").module = preferences.PACKAGE
        layout.label(text=f"Facewright {pump.version()}", translate=False)


CLASSES = (FACEWRIGHT_OT_copy_report, FACEWRIGHT_OT_open_log, FACEWRIGHT_OT_free_memory, FACEWRIGHT_PT_help)
