"""The files checkpoints consist of: which are taken, copied and hashed in one pass, looked at for damage.

Standard library only; no file is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ..errors import CheckpointInvalid, CheckpointMissing, UsageError
from ..files import refusal
from .entries import Checkpoint

BLOCK = 1 << 20
LONGEST_HEADER = 100 << 20  # safetensors' own limit


def chosen(wanted: Checkpoint, place: Path) -> dict[str, Path]:
    """The files of a checkpoint in a user's folder, by their paths with us; whatever else lies there is left.

    Raises:
        CheckpointMissing: the folder, or a file of it, is not there.
        UsageError: a single file where a folder is wanted.
    """
    if not place.exists():
        raise CheckpointMissing(f"{place} is not there", advice="name the folder that holds the files")
    if wanted.kind == "head":
        return _head(wanted, place)
    if not place.is_dir():
        raise UsageError(
            f"{place.name} is a single file; {wanted.name} is a folder of them",
            advice="convert it with diffusers' from_single_file and save_pretrained, then import the folder",
        )
    found, lacking = {}, []
    for file in wanted.files:
        names = (file.path, *file.names)
        there = next((place / name for name in names if (place / name).is_file()), None)
        if there is None:
            lacking.append(file.path)
        else:
            found[file.path] = there
    if lacking:
        pickled = [path.name for path in sorted(place.rglob("*")) if path.suffix in (".bin", ".ckpt", ".pt", ".pth")]
        why = f"; {pickled[0]} is pickled and could run code" if pickled else ""
        raise CheckpointMissing(
            f"{place} lacks {', '.join(lacking)}{why}",
            advice="give a diffusers folder in safetensors (save_pretrained with safe_serialization=True)",
        )
    return found


def _head(wanted: Checkpoint, place: Path) -> dict[str, Path]:
    """By patterns, from the folder, from the one above it, or the one file."""
    bases = (place, place.parent) if place.is_dir() else (place.parent,)
    for base in bases:
        groups = [[path for pattern in group for path in _matches(base, pattern, place)] for group in wanted.takes]
        if all(groups):
            others = [path for pattern in wanted.may for path in _matches(base, pattern, place)]
            files = dict.fromkeys([*(path for group in groups for path in group), *others])
            return {path.relative_to(base).as_posix(): path for path in files}
    raise CheckpointMissing(
        f"{place} lacks {' and '.join(' or '.join(group) for group in wanted.takes)}",
        advice=f"get it from {wanted.sources[0].page}",
    )


def _matches(base: Path, pattern: str, place: Path) -> list[Path]:
    return [path for path in sorted(base.glob(pattern)) if path.is_file() and (place.is_dir() or path == place)]


def take(source: Path, target: Path, link: bool = False) -> dict[str, Any]:
    """Copies a file (or links it, on one disk), hashed on the way; returns its size and sha256.

    Raises:
        CheckpointInvalid: it is not what its ending says; nothing of it stays.
        DiskFull, FolderUnwritable.
    """
    source = source.resolve()
    check(source, target.name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if link and _linked(source, target):
            return {"size": target.stat().st_size, "sha256": digest(target)}
        ours = hashlib.sha256()
        with source.open("rb") as there, target.open("wb") as here:
            while block := there.read(BLOCK):
                here.write(block)
                ours.update(block)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise refusal(target, error) from error
    return {"size": target.stat().st_size, "sha256": ours.hexdigest()}


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one that knows no links
        return False
    return True


def digest(file: Path) -> str:
    """sha256, read anew: this is asked when damage is suspected."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def faults(folder: Path) -> list[str]:
    """What is wrong with the files of a folder nobody wrote a receipt for."""
    found = []
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".safetensors", ".json"):
            try:
                check(file, file.name)
            except CheckpointInvalid as error:
                found.append(error.message)
    return found


def check(file: Path, name: str) -> None:
    """Looks whether a file is what its ending says: header and length of safetensors, syntax of JSON.

    Raises:
        CheckpointInvalid: it is not.
    """
    if name.endswith(".safetensors"):
        fault = _fault_of_weights(file)
    elif name.endswith(".json"):
        fault = _fault_of_json(file)
    else:
        return
    if fault:
        raise CheckpointInvalid(f"{name} is damaged: {fault}", advice="fetch it anew")


def compare(wanted: Checkpoint, path: str, entry: dict[str, Any]) -> None:
    """Refuses what is not what the registry says, where it says something.

    Raises:
        CheckpointInvalid: the file's sha256 is another.
    """
    for file in wanted.files:
        if file.path == path and file.sha256 not in (None, entry["sha256"]):
            raise CheckpointInvalid(
                f"{path} of {wanted.name} has another hash than the registry says", advice="use another source"
            )


def _fault_of_json(file: Path) -> str:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        return f"no JSON ({error})"
    return ""


def _fault_of_weights(file: Path) -> str:
    """Source: the safetensors format: 8 bytes of length, a JSON header, then tensors without gaps."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if size < 8 or length > min(LONGEST_HEADER, size - 8):
            return "no safetensors header"
        try:
            header = json.loads(opened.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
            end = max(ends, default=0)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            return f"its header cannot be read ({error})"
    return "" if end == size - 8 - length else f"it holds {size - 8 - length} bytes of tensors, expected {end}"
