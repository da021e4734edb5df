# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user sees and presses, a module a panel. Main thread only."""

import bpy

from . import (
    console,
    create,
    dragging,
    edit,
    exporting,
    expressions,
    face,
    handlers,
    heads,
    help as help_panel,
    history,
    importing,
    keymap,
    layers,
    live,
    preferences,
    presets,
    properties,
    pump,
    setting_up,
    thumbs,
    translations,
    words,
)

_UNSEEN = (live, preferences, dragging, importing, words, setting_up, presets, heads)
_PANELS = (create, edit, layers, history, face, expressions, exporting, help_panel)  # in the sidebar's order
_CLASSES = tuple(cls for part in (*_UNSEEN, *_PANELS) for cls in part.CLASSES)
_PARTS = (live, handlers, importing, keymap, console, translations)  # what more there is to register


def register() -> None:
    properties.register()
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    for part in _PARTS:
        part.register()


def unregister() -> None:
    setting_up.close()
    pump.close()
    thumbs.close()
    for part in reversed(_PARTS):
        part.unregister()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
    properties.unregister()
