"""The folder checkpoints stand in, `$FACEWRIGHT_HOME/ckpts`. Standard library only.

A checkpoint is the folder `NAME` with a receipt in it, `facewright.json`: each file's size and sha256, the
repository and commit it came from, its licences and when they were accepted. It grows in `.NAME.part` and is
renamed when it is whole; what an interrupted fetch left there is gone on with by the next.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import CheckpointBusy, DiskFull
from ..files import refusal, try_lock, write_whole
from .entries import Checkpoint
from .places import heads_folder, roots

RECEIPT = "facewright.json"
MARGIN_BYTES = 64 << 20


def folder() -> Path:
    """Where checkpoints are put: `$FACEWRIGHT_HOME/ckpts`."""
    return roots()[0]


def receipt(name: str) -> dict[str, Any] | None:
    """What was written down when a checkpoint came, None if it is not there or lies there by hand."""
    for root in roots():
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            held = json.loads((root / name / RECEIPT).read_text(encoding="utf-8")) | {"folder": root / name}
            if all(isinstance(entry["size"], int) and entry["sha256"] for entry in held["files"].values()):
                return held
    return None


def state(wanted: Checkpoint) -> str:
    """embedded, installed, damaged, unrecorded, partial or absent.

    Damaged: a file is gone or of another size. Unrecorded: it was put there by hand.
    """
    if wanted.kind == "embedded":
        return "embedded"
    held = receipt(wanted.name)
    if held is not None:
        whole = all(sized(held["folder"] / path, entry["size"]) for path, entry in held["files"].items())
        return "installed" if whole else "damaged"
    if any((root / wanted.name).is_dir() for root in roots()) or head_files(wanted):
        return "unrecorded"
    return "partial" if growing(wanted.name).is_dir() else "absent"


def head_files(wanted: Checkpoint) -> list[Path]:
    """A head's own files where they lie as they were handed out, or in a folder of their own; none if it is absent.

    Looked for where checkpoints are, and among the heads.
    """
    kept = heads_folder()
    for root in [*roots(), *([kept] if kept else [])]:
        groups = [
            [path for pattern in group for deep in ("", "*/") for path in root.glob(deep + pattern)]
            for group in wanted.takes
        ]
        if groups and all(groups):
            return [path for group in groups for path in group]
    return []


def growing(name: str) -> Path:
    """Where a checkpoint is until it is whole."""
    return folder() / f".{name}.part"


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Holds what belongs to one checkpoint, against another Facewright.

    Raises:
        CheckpointBusy: the other one holds it.
    """
    try:
        folder().mkdir(parents=True, exist_ok=True)
        file = (folder() / f".{name}.lock").open("a+")
    except OSError as error:
        raise refusal(folder(), error) from error
    with file:
        if not try_lock(file.fileno()):
            raise CheckpointBusy(f"another Facewright is at work on {name}", advice="wait for it, or end it")
        yield


@contextlib.contextmanager
def building(name: str) -> Iterator[Path]:
    """The folder in which a checkpoint grows, for us alone; gone if nothing stays in it."""
    with locked(name):
        place = growing(name)
        place.mkdir(exist_ok=True)
        try:
            yield place
        finally:
            with contextlib.suppress(OSError):
                place.rmdir()


def finish(wanted: Checkpoint, place: Path, written: dict[str, Any], accepted: dict[str, str]) -> dict[str, Any]:
    """Writes the receipt and gives the folder its name; returns the receipt."""
    for stray in [file for file in place.rglob("*") if file.is_file()]:
        if stray.relative_to(place).as_posix() not in written["files"]:
            stray.unlink()
    receipt = {
        "name": wanted.name,
        **written,
        "licences": {licence.name: accepted.get(licence.name, "") for licence in wanted.licences},
        "attribution": wanted.attribution,
        "date": today(),
    }
    write_whole(place / RECEIPT, json.dumps(receipt, indent=1).encode())
    there = folder() / wanted.name
    if there.exists():  # a damaged one: it is whole again from here on
        drop(there)
    place.replace(there)
    return receipt | {"folder": there}


def today() -> str:
    """The date in UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def drop(place: Path) -> None:
    """Moved aside first, so that an interrupted removal is never taken for a checkpoint."""
    aside = place.with_name(f".{place.name}.removed")
    shutil.rmtree(aside, ignore_errors=True)
    place.replace(aside)
    shutil.rmtree(aside, ignore_errors=True)


def check_disk(place: Path, needed: int) -> None:
    """Refuses what would not fit, before its first byte.

    Raises:
        DiskFull.
    """
    free = shutil.disk_usage(place).free
    if free < needed + MARGIN_BYTES:
        raise DiskFull(
            f"{needed >> 20} MB are to come, {free >> 20} MB are free in {place.parent}",
            advice="free some space, or set FACEWRIGHT_HOME to a folder on another disk",
        )


def sized(file: Path, size: int) -> bool:
    """Whether a file is there and has that many bytes."""
    return file.is_file() and file.stat().st_size == size
