"""Checkpoints are imported, verified and removed. Standard library only."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ..errors import CheckpointMissing, UsageError
from . import shelf, weights
from .entries import Checkpoint
from .places import roots
from .terms import Terms, accepted, admit


def bring_in(wanted: Checkpoint, origin: Path, terms: Terms) -> dict[str, Any]:
    """The receipt of a checkpoint that is copied from a folder (a head also from its file); no network.

    Raises:
        LicenceNotAccepted, NotForSale, CheckpointBusy, DiskFull, FolderUnwritable.
        CheckpointMissing: a file of it is not there.
        CheckpointInvalid: a file is not what it should be.
        UsageError: it is there already, or a single file where networks are folders.
    """
    admit(wanted, terms)
    now = shelf.state(wanted)
    if now not in ("absent", "partial"):
        how = f"remove it first: python3 -m backend checkpoints remove {wanted.name}"
        raise UsageError(f"{wanted.name} is there already ({now})", advice="" if now == "embedded" else how)
    chosen = weights.chosen(wanted, origin)
    with shelf.building(wanted.name) as place:
        _empty(place)
        try:
            shelf.check_disk(place, sum(source.stat().st_size for source in chosen.values()))
            files = {}
            for path, source in chosen.items():
                files[path] = weights.take(source, place / path)
                weights.compare(wanted, path, files[path])
        except BaseException:
            _empty(place)
            raise
        return shelf.finish(wanted, place, {"source": "import", "commit": "", "files": files}, accepted())


def verify(wanted: Checkpoint) -> list[str]:
    """What is wrong with a checkpoint that is there, nothing if it is whole: sizes, hashes, headers of weights."""
    held = shelf.receipt(wanted.name)
    if held is None:
        there = [root / wanted.name for root in roots() if (root / wanted.name).is_dir()]
        return [fault for one in there[:1] for fault in weights.faults(one)]
    found = []
    for path, entry in held["files"].items():
        file = held["folder"] / path
        if not file.is_file():
            found.append(f"{path} is gone")
        elif file.stat().st_size != entry["size"]:
            found.append(f"{path} has {file.stat().st_size} bytes, expected {entry['size']}")
        elif weights.digest(file) != entry["sha256"]:
            found.append(f"{path} has another hash than it came with")
    return found


def remove(wanted: Checkpoint) -> int:
    """Deletes a checkpoint and what a fetch left of it; returns the bytes it took.

    Raises:
        UsageError: it is part of the repository, or was put there by hand.
        CheckpointMissing: there is nothing of it.
        CheckpointBusy: it is being fetched.
    """
    now = shelf.state(wanted)
    if now == "embedded":
        raise UsageError(f"{wanted.name} is part of Facewright", advice="name one that was fetched or imported")
    if now == "unrecorded":
        raise UsageError(f"{wanted.name} was put there by hand, not by Facewright", advice="delete its folder yourself")
    held = shelf.receipt(wanted.name)
    places: list[Path] = [shelf.growing(wanted.name), *([held["folder"]] if held else [])]
    places = [place for place in places if place.is_dir()]
    if not places:
        raise CheckpointMissing(f"{wanted.name} is not there", advice="python3 -m backend checkpoints list")
    freed = 0
    with shelf.locked(wanted.name):
        for place in places:
            freed += sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
            shelf.drop(place)
    return freed


def _empty(place: Path) -> None:
    shutil.rmtree(place)
    place.mkdir()
