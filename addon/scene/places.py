# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of this package on the user's computer."""

import os
import tempfile
from pathlib import Path

import bpy

from ..link.bundle import BUNDLED, CHECKPOINTS, environment, files
from ..session.head import Head, read_head

PACKAGE = (__package__ or "").rpartition(".")[0]
EMBEDDED = (CHECKPOINTS / "starter",)  # where the head that comes along lies


def user_folder(name: str) -> Path:
    """A folder of this add-on that outlives its updates; a temporary one where it is no extension."""
    try:
        return Path(bpy.utils.extension_path_user(PACKAGE, path=name, create=True))
    except ValueError:
        return Path(tempfile.mkdtemp(prefix=f"facewright-{name}-"))


def home() -> Path:
    """`$FACEWRIGHT_HOME`; of an installed extension its own folder, or on Windows one with a shorter path."""
    if not BUNDLED or os.environ.get("FACEWRIGHT_HOME"):
        return environment.home(os.environ)
    return environment.home_near(user_folder(""), os.environ)


def name_home() -> None:
    """Lets the backend's own modules look where its process will."""
    os.environ.setdefault("FACEWRIGHT_HOME", str(home()))


def heads() -> tuple[Path, ...]:
    """The folders that hold head files by name: the embedded one, and those the backend has read from other models."""
    return (*EMBEDDED, home() / "heads")


def head_file(name: str) -> Path:
    """Where the head of another model is kept once the backend has read it."""
    return home() / "heads" / f"{Path(name).name}.npz"


def keep_head(made: Path, name: str) -> Head:
    """Puts the file the backend made where heads are looked for. Takes a second: not for the main thread.

    Raises:
        errors.HeadInvalid: it is no head's.
        errors.FolderUnwritable, errors.DiskFull: it cannot be put there.
    """
    head = read_head(made)
    files.write_whole(head_file(name), made.read_bytes())
    return head
