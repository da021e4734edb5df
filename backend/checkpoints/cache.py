"""What lies in the Hugging Face cache already is not fetched again. Standard library only.

Source: the layout of huggingface_hub, `models--ORG--NAME/{refs,blobs,snapshots/COMMIT/…}`; a blob's name is its hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .entries import Checkpoint, Source
from .hub import home


@dataclass(frozen=True)
class Found:
    """All files of a checkpoint in one snapshot: path with us to file there."""

    source: Source
    commit: str
    files: dict[str, Path]


def folder(environ: Mapping[str, str]) -> Path:
    """Where huggingface_hub keeps what it has fetched."""
    named = environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(named).expanduser() if named else home(environ) / "hub"


def snapshots(wanted: Checkpoint, environ: Mapping[str, str]) -> Iterator[Found]:
    """Each snapshot that holds all of a checkpoint, best source first, what its revision points at first."""
    for source in wanted.sources:
        if not source.hub:
            continue
        repository = folder(environ) / f"models--{source.hub.replace('/', '--')}"
        pointed = repository / "refs" / source.revision
        first = pointed.read_text(encoding="utf-8").strip() if pointed.is_file() else source.revision
        here = repository / "snapshots"
        kept = sorted(here.iterdir(), key=lambda one: one.name != first) if here.is_dir() else []
        for snapshot in kept:
            files = {
                file.path: place
                for file in wanted.files
                if (place := next((snapshot / name for name in file.names if (snapshot / name).is_file()), None))
            }
            if files and len(files) == len(wanted.files):
                yield Found(source, snapshot.name, files)
