"""Files that are complete or absent. Standard library only."""

import errno
import os
import sys
import uuid
from pathlib import Path

from .errors import BackendError, DiskFull, FolderExists, FolderUnwritable


def write_whole(path: Path, content: bytes) -> Path:
    """Writes a file under a temporary name beside `path`, then renames it; folders are made.

    Raises:
        FolderUnwritable, DiskFull: what was there before is still there.
    """
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_through(partial, content)
        partial.replace(path)
    except OSError as error:
        raise refusal(path, error) from error
    finally:
        if partial.is_file():
            partial.unlink()
    return path


def write_through(path: Path, content: bytes) -> None:
    """Writes a file and waits until the disk has it."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def refusal(path: Path, error: OSError) -> BackendError:
    """The named error for what the system said when `path` was to be written."""
    if error.errno == errno.ENOSPC:
        return DiskFull(f"no space for {path}", advice="free some space and try again")
    return FolderUnwritable(
        f"{path} cannot be written: {error.strerror or error}", advice="choose a folder you may write to"
    )


def vacant(folder: Path) -> None:
    """Refuses a folder that cannot be made, before hours are spent on what goes into it.

    Raises:
        FolderExists: there is something of that name.
        FolderUnwritable: the nearest folder above it admits no writing.
    """
    if os.path.lexists(folder):
        raise FolderExists(f"{folder} exists", advice="name a folder that does not exist yet")
    above = folder.absolute().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise FolderUnwritable(
            f"{folder} cannot be written: {above} admits no new files", advice="choose a folder you may write to"
        )


def try_lock(descriptor: int) -> bool:
    """Takes the lock of an open file, unless another process has it; it goes with its process, killed or not."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
