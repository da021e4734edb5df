# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows a file's opening, undo and redo: old sessions are brought up to date, the sidebar looks again.

And what follows any change: a head that was duplicated or appended becomes a head of its own.
"""

import bpy
from bpy.app.handlers import persistent

from ..link.bundle import errors
from ..scene import copies, store
from . import live, preferences, pump, thumbs


@persistent
def opened(*_: object) -> None:
    """Migrates the heads of a file; one that is damaged is told of and left as it was."""
    for found in bpy.data.objects:
        if found.facewright.uid and found.library is None:
            try:
                store.migrate(found)
            except errors.BackendError as error:
                pump.state.failure = error
    copies.part()
    live.forget()
    thumbs.catch_up()


@persistent
def changed(*_: object) -> None:
    copies.part()
    live.forget()
    thumbs.catch_up()


@persistent
def updated(*_: object) -> None:
    if not bpy.app.is_job_running("RENDER"):
        copies.part_new()


@persistent
def renders(*_: object) -> None:
    """A render wants the memory; `render_init` comes once, before its first picture."""
    if preferences.get().free_for_render:
        pump.free_models()


def _handlers() -> tuple:
    after = bpy.app.handlers
    return (
        (after.load_post, opened),
        (after.undo_post, changed),
        (after.redo_post, changed),
        (after.depsgraph_update_post, updated),
        (after.render_init, renders),
    )


def register() -> None:
    for handlers, function in _handlers():
        handlers.append(function)


def unregister() -> None:
    for handlers, function in _handlers():
        handlers.remove(function)
