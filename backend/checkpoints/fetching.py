"""A checkpoint from the Hugging Face cache or from its sources, whole or not at all. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import (
    BackendError,
    Cancelled,
    CheckpointByHand,
    CheckpointGated,
    CheckpointInvalid,
    CheckpointMissing,
    Offline,
)
from ..files import refusal, write_whole
from . import cache, shelf, weights
from .entries import Checkpoint, File, Source
from .hub import SHA256, Hub, Remote
from .places import BESIDE
from .terms import Terms, accepted, admit

Emit = Callable[[dict[str, Any]], None]


def fetch(
    wanted: Checkpoint, terms: Terms, emit: Emit, cancelled: Callable[[], bool] = lambda: False
) -> dict[str, Any]:
    """The receipt of a checkpoint, which is there afterwards: from the Hugging Face cache, else from its sources.

    Raises:
        LicenceNotAccepted, NotForSale: it may not be had under these terms; nothing was asked of anyone.
        CheckpointByHand, CheckpointGated, CheckpointMissing, HubUnreachable, Offline, CheckpointBusy, DiskFull,
        FolderUnwritable, CheckpointInvalid, Cancelled: there is no checkpoint; what came stays for the next time.
    """
    if wanted.kind == "embedded":
        return {"name": wanted.name, "source": "embedded", "commit": "", "files": {}, "folder": BESIDE}
    admit(wanted, terms)
    held = shelf.receipt(wanted.name)
    if held and shelf.state(wanted) == "installed":
        return held
    if wanted.by_hand:
        pages = " or ".join(source.page for source in wanted.sources)
        raise CheckpointByHand(
            f"{wanted.title} is handed out to people, not to programs",
            advice=f"get it from {pages}, then: python3 -m backend checkpoints import {wanted.name} FOLDER",
        )
    with shelf.building(wanted.name) as place:
        written = _from_cache(wanted, terms, place)
        if written is None and terms.offline:
            raise Offline(
                f"{wanted.name} is not in {cache.folder(terms.environ)}, and the network is switched off",
                advice="allow it (in Blender: Preferences > System > Allow Online Access), or import it from a folder",
            )
        written = written or _from_sources(wanted, terms, place, emit, cancelled)
        return shelf.finish(wanted, place, written, accepted())


def _from_cache(wanted: Checkpoint, terms: Terms, place: Path) -> dict[str, Any] | None:
    """Linked where the disk is the same, else copied; a snapshot that is damaged is passed over."""
    for found in cache.snapshots(wanted, terms.environ):
        files = {}
        try:
            for path, cached in found.files.items():
                files[path] = weights.take(cached, place / path, link=True)
                named = cached.resolve().name
                if len(named) == SHA256 and named != files[path]["sha256"]:
                    raise CheckpointInvalid(f"{cached} has another hash than its name says")
                weights.compare(wanted, path, files[path])
        except CheckpointInvalid:
            for path in found.files:
                (place / path).unlink(missing_ok=True)
            continue
        return {"source": found.source.hub, "commit": found.commit, "files": files}
    return None


def _from_sources(
    wanted: Checkpoint, terms: Terms, place: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """From the first source that has all of it; the error of the first one where none has."""
    hub = terms.hub or Hub.of(terms.environ)
    refused: list[BackendError] = []
    for source in wanted.sources:
        if not source.hub:
            continue
        try:
            plan = _plan(wanted, source, hub, emit, cancelled)
            files = _transfer(wanted, hub, plan, place, emit, cancelled)
        except (CheckpointMissing, CheckpointGated, CheckpointInvalid) as error:
            refused.append(error)
            continue
        commits = {remote.commit for remote in plan.values()}
        return {"source": source.hub, "commit": commits.pop() if len(commits) == 1 else "", "files": files}
    raise refused[0]


def _plan(
    wanted: Checkpoint, source: Source, hub: Hub, emit: Emit, cancelled: Callable[[], bool]
) -> dict[File, Remote]:
    """What the hub says of every file, before a byte of the first is fetched."""
    plan = {}
    for step, file in enumerate(wanted.files):
        _stop(wanted, cancelled)
        emit({"type": "progress", "phase": f"asking for {wanted.name}", "step": step + 1, "total": len(wanted.files)})
        plan[file] = remote = hub.look(source, file.names)
        if file.size is not None and file.size != remote.size:
            raise CheckpointInvalid(
                f"{remote.url} has {remote.size} bytes, the registry says {file.size}", advice="use another source"
            )
    return plan


def _transfer(
    wanted: Checkpoint,
    hub: Hub,
    plan: dict[File, Remote],
    place: Path,
    emit: Emit,
    cancelled: Callable[[], bool],
) -> dict[str, Any]:
    """Every file of a plan, whole; those of an earlier, interrupted fetch that the hub still has are kept."""
    notes = place / shelf.RECEIPT
    files = _kept(notes, plan, place)
    total, done = sum(remote.size for remote in plan.values()), sum(entry["size"] for entry in files.values())
    shelf.check_disk(place, total - done - sum(part.stat().st_size for part in place.glob(".*.part")))

    def told(there: int) -> None:
        _stop(wanted, cancelled)
        counted = {"step": (done + there) >> 20, "total": max(1, total >> 20), "unit": "MB"}
        exact = {"bytes": done + there, "bytes_total": total}
        emit({"type": "progress", "phase": f"fetching {wanted.name}", **counted, **exact})

    for file, remote in plan.items():
        if file.path in files:
            continue
        part = place / f".{remote.etag[:16] or file.path.replace('/', '-')}.part"
        digest = hub.fetch(remote, part, told)
        entry = {"size": remote.size, "sha256": digest, "told": remote.etag}
        try:
            weights.check(part, file.path)
            weights.compare(wanted, file.path, entry)
        except CheckpointInvalid:
            part.unlink()
            raise
        try:
            (place / file.path).parent.mkdir(parents=True, exist_ok=True)
            part.replace(place / file.path)
        except OSError as error:
            raise refusal(place / file.path, error) from error
        files[file.path] = entry
        done += remote.size
        write_whole(notes, json.dumps({"files": files}).encode())
    return files


def _kept(notes: Path, plan: dict[File, Remote], place: Path) -> dict[str, Any]:
    """What an earlier fetch finished, as far as the hub tells the same hash now."""
    try:
        known = json.loads(notes.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError):
        return {}
    return {
        file.path: known[file.path]
        for file, remote in plan.items()
        if file.path in known
        and remote.etag
        and remote.etag == known[file.path]["told"]
        and shelf.sized(place / file.path, known[file.path]["size"])
    }


def _stop(wanted: Checkpoint, cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled(f"fetching {wanted.name} was stopped", advice="fetch it again: it goes on where it was")
