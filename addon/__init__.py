# SPDX-License-Identifier: GPL-3.0-or-later
"""Facewright in Blender: 3D faces from words, edited by words.

link/      the backend's process, jobs and place        no bpy
session/   face folders and head files as data          no bpy
scene/     meshes, materials, history in the .blend     main thread
ui/        properties, operators, panels, the pump      main thread

Enabling it starts nothing: no process, no thread, no file.
"""

from .ui import operators, panels, preferences, properties, pump

_PARTS = (properties, preferences, operators, panels)


def register() -> None:
    for part in _PARTS:
        part.register()


def unregister() -> None:
    pump.close()
    for part in reversed(_PARTS):
        part.unregister()
