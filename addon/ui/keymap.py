# SPDX-License-Identifier: GPL-3.0-or-later
"""Shortcuts, all switched off: whoever wants one switches it on in Blender's keymap preferences."""

import bpy

# operator, key; all with Ctrl and Alt, in the 3D view
_SHORTCUTS = (
    ("facewright.generate", "G"),
    ("facewright.edit", "E"),
    ("facewright.cancel", "ESC"),
    ("facewright.peek", "Z"),
)
_made: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def register() -> None:
    configuration = bpy.context.window_manager.keyconfigs.addon
    if configuration is None:  # Blender without a window may have none
        return
    keymap = configuration.keymaps.new(name="3D View", space_type="VIEW_3D")
    for operator, key in _SHORTCUTS:
        item = keymap.keymap_items.new(operator, key, "PRESS", ctrl=True, alt=True)
        item.active = False
        _made.append((keymap, item))


def unregister() -> None:
    for keymap, item in _made:
        keymap.keymap_items.remove(item)
    _made.clear()
