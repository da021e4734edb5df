# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures for the sidebar: of steps, and of a face in the making. Made at the first picture, not before."""

import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import bpy.utils.previews

PICTURE = "preview.png"


@dataclass
class State:
    pictures: bpy.utils.previews.ImagePreviewCollection | None = None
    folder: Path | None = None  # Blender reads pictures from files, when they are first drawn
    icons: dict[str, int] = field(default_factory=dict)


state = State()


def icon(uid: str) -> int:
    """The icon of a step's picture, 0 where there is none (yet). Drawing may call this."""
    return state.icons.get(uid, 0)


def load(name: str, path: Path, *, at_once: bool = False) -> int:
    """The icon of a picture file.

    Args:
        at_once: read it now, and not when it is first drawn: the file may be gone by then, and until it is read the
            icon is empty.
    """
    if state.pictures is None:
        state.pictures = bpy.utils.previews.new()
    if name not in state.pictures:
        made = state.pictures.load(name, str(path), "IMAGE")
        if at_once:
            len(made.image_pixels)  # whoever asks for them makes Blender read the file
    return state.pictures[name].icon_id


def catch_up() -> None:
    """Loads the pictures of all steps that have one, from their faces."""
    if bpy.app.background:
        return
    for found in bpy.data.objects:
        session = found.facewright
        for step in session.steps:
            if step.uid in state.icons:
                continue
            digest = json.loads(step.contents or "{}").get(PICTURE, "")
            state.icons[step.uid] = _load_bytes(digest, session.files[digest].data) if digest else 0


def close() -> None:
    if state.pictures is not None:
        bpy.utils.previews.remove(state.pictures)
    if state.folder is not None:
        shutil.rmtree(state.folder, ignore_errors=True)
    state.pictures, state.folder = None, None
    state.icons.clear()


def _load_bytes(digest: str, png: bytes) -> int:
    """The icon of a picture; 0 where the disk takes no file, for a face without its small picture is still a face."""
    try:
        if state.folder is None:
            state.folder = Path(tempfile.mkdtemp(prefix="facewright-thumbs-"))
        path = state.folder / f"{digest}.png"
        if not path.is_file():
            path.write_bytes(png)
    except OSError:
        return 0
    return load(digest, path)
