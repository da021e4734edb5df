# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the user's machine: the backend's Python or computer, and memory."""

import os
import sys
from pathlib import Path

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from ..link.bundle import environment, errors
from ..link.client import Start, remote, serve
from ..scene.places import PACKAGE, home

LOG = "backend.log"


class FACEWRIGHT_Preferences(bpy.types.AddonPreferences):
    bl_idname = PACKAGE

    python: StringProperty(
        name="Backend Python",
        subtype="FILE_PATH",
        description="A Python that has the backend's packages; empty uses Facewright's own environment",
    )
    wheels: StringProperty(
        name="Install from Folder",
        subtype="DIR_PATH",
        description="A folder of wheels, for a computer without network; empty fetches them",
    )
    remote_command: StringProperty(
        name="Remote Command",
        description="Run the backend on another computer, such as ssh -T me@gpu-box; empty runs it here",
    )
    remote_folder: StringProperty(
        name="Remote Folder", description="The folder there that holds backend", default="~/facewright"
    )
    remote_python: StringProperty(name="Remote Python", description="The Python there", default="python3")
    idle_minutes: IntProperty(
        name="Free Models after",
        description="Minutes without a job after which the backend frees its memory; 0 keeps the models",
        default=10,
        min=0,
        max=1440,
    )
    memory_gb: IntProperty(
        name="Memory for Models", description="Gigabytes; 0 leaves it to the backend", default=0, min=0, max=512
    )
    free_for_render: BoolProperty(
        name="Free Models for Renders", description="Free the backend's memory when a render begins", default=True
    )

    def draw(self, context: bpy.types.Context) -> None:
        from . import presets, setting_up  # they draw here and read these values

        layout = self.layout
        layout.use_property_split = True
        setting_up.draw_strip(layout, context)
        for title, names in (
            ("Packages", ("python", "wheels")),
            ("Another Computer", ("remote_command", "remote_folder", "remote_python")),
            ("Memory", ("idle_minutes", "memory_gb", "free_for_render")),
        ):
            column = layout.column(heading=title)
            for name in names:
                column.prop(self, name)
        header, body = layout.panel("facewright_checkpoints", default_closed=True)
        header.label(text="Checkpoints")
        if body is not None:
            setting_up.draw_checkpoints(body)
        header, body = layout.panel("facewright_presets", default_closed=True)
        header.label(text="Presets")
        if body is not None:
            presets.draw_own(body)
        layout.label(text="Nothing is sent to anyone: there is no telemetry", icon="LOCKED")


def get() -> FACEWRIGHT_Preferences:
    return bpy.context.preferences.addons[PACKAGE].preferences


def wheels() -> Path | None:
    return Path(bpy.path.abspath(get().wheels)) if get().wheels else None


def backend_start() -> Start:
    """How the backend is started here, or on the computer that the preferences name.

    Raises:
        errors.InstallFailed: no Python is set up for it.
        errors.UsageError: the remote command is none.
    """
    place, chosen = home(), get()
    log = place / "logs" / LOG
    if chosen.remote_command.strip():
        return remote(chosen.remote_command, chosen.remote_folder, chosen.remote_python, log)
    python = _backend_python(place)
    # The door takes no interpreter but the one of its home, or of the environment named here.
    variables = {"FACEWRIGHT_ENV": str(python.parents[1]), "FACEWRIGHT_HOME": str(place)}
    return Start(serve(str(python)), variables=variables, log=log)


def _backend_python(place: Path) -> Path:
    if chosen := get().python:
        return Path(bpy.path.abspath(chosen))
    profile = environment.read_recipe().profiles["run"]
    for one in (place, environment.home(os.environ)):
        if own := environment.find(one, profile):
            return own
    if not bpy.app.binary_path:  # Blender as a module: this process is a Python with packages of its own
        return Path(sys.executable)
    raise errors.InstallFailed(
        "the backend's packages are not installed", advice="press Set Up at the top of the Facewright sidebar"
    )


CLASSES = (FACEWRIGHT_Preferences,)
