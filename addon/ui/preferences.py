# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the user's machine: the backend's Python, and the folders of this package."""

import os
import sys
import tempfile
from pathlib import Path

import bpy
from bpy.props import StringProperty

from ..link.bundle import BUNDLED, environment, errors
from ..link.client import Start, serve

PACKAGE = (__package__ or "").rpartition(".")[0]


class FACEWRIGHT_Preferences(bpy.types.AddonPreferences):
    bl_idname = PACKAGE

    python: StringProperty(
        name="Backend Python",
        subtype="FILE_PATH",
        description="A Python that has the backend's packages; empty uses Facewright's own environment",
    )

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.prop(self, "python")


def get() -> FACEWRIGHT_Preferences:
    return bpy.context.preferences.addons[PACKAGE].preferences


def user_folder(name: str) -> Path:
    """A folder of this add-on that outlives its updates; a temporary one where it is no extension."""
    try:
        return Path(bpy.utils.extension_path_user(PACKAGE, path=name, create=True))
    except ValueError:
        return Path(tempfile.mkdtemp(prefix=f"facewright-{name}-"))


def backend_start() -> Start:
    """How the backend is started here.

    Raises:
        errors.InstallFailed: no Python is set up for it.
    """
    ours = {"FACEWRIGHT_HOME": str(user_folder(""))} if BUNDLED else {}
    home = environment.home({**ours, **os.environ})
    python = _backend_python(home)
    # The door takes no interpreter but the one of its home, or of the environment named here.
    variables = {"FACEWRIGHT_ENV": str(python.parents[1]), "FACEWRIGHT_HOME": str(home)}
    return Start(serve(str(python)), variables=variables)


def _backend_python(home: Path) -> Path:
    if chosen := get().python:
        return Path(bpy.path.abspath(chosen))
    profile = environment.read_recipe().profiles["run"]
    for place in (home, environment.home(os.environ)):
        if own := environment.find(place, profile):
            return own
    if not bpy.app.binary_path:  # Blender as a module: this process is a Python with packages of its own
        return Path(sys.executable)
    raise errors.InstallFailed(
        "the backend's packages are not installed",
        advice="run `python3 -m backend doctor`, and choose a Python that has them in the preferences",
    )


CLASSES = (FACEWRIGHT_Preferences,)
