# SPDX-License-Identifier: GPL-3.0-or-later
"""Facewright in Blender: 3D faces from words, edited by words.

link/      the backend's process, jobs and place        no bpy
session/   face folders and head files as data          no bpy
scene/     meshes, materials, history in the .blend     main thread
ui/        properties, operators, panels, the pump      main thread

Enabling it starts nothing: no process, no thread, no file.
"""

from . import ui


def register() -> None:
    ui.register()


def unregister() -> None:
    ui.unregister()
