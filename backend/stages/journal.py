"""What a run needs to go on where it was killed: one file a stage, replaced whole every few seconds."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import UsageError
from ..files import write_whole

REQUEST = "request.json"
INTERVAL_S = 5.0


@dataclass(frozen=True)
class Journal:
    """A folder beside the face that is being made; it goes when the face is there.

    Attributes:
        interval: seconds between two writings of a stage's state.
    """

    folder: Path
    interval: float = INTERVAL_S

    @classmethod
    def of(cls, out: Path, request: Mapping[str, Any], resume: bool, interval: float | None = None) -> Journal:
        """The journal of the face `out`: what a killed run left if it is to be resumed, else a new one.

        Args:
            request: what the run is asked for, as JSON; states of another request are of no use.

        Raises:
            UsageError: there is nothing to resume, or it was another request.
        """
        journal = cls(out.with_name(f".{out.name}.run"), INTERVAL_S if interval is None else interval)
        content = json.dumps(request, sort_keys=True, default=str, indent=1).encode()
        if not resume:
            journal.close()
            write_whole(journal.folder / REQUEST, content)
            return journal
        place = journal.folder / REQUEST
        if not place.is_file():
            raise UsageError(f"no run of {out} was broken off", advice="leave out --resume to begin one")
        if place.read_bytes() != content:
            raise UsageError(
                f"the run of {out} that was broken off was asked for something else",
                advice=f"repeat that command with --resume, or leave it out to begin anew; {place} says what it was",
            )
        return journal

    def load(self, stage: str) -> dict[str, Tensor] | None:
        """The last state of a stage; None where it has not got so far. A damaged file counts as none."""
        path = self.folder / f"{stage}.npz"
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: torch.from_numpy(file[name]) for name in file.files}
        except (OSError, ValueError, KeyError, EOFError):
            return None

    def save(self, stage: str, state: Mapping[str, Tensor]) -> None:
        """Raises FolderUnwritable, DiskFull; the state before is still there."""
        write_whole(self.folder / f"{stage}.npz", as_file(state))

    def due(self, since: float) -> bool:
        """Whether the last writing, at `time.monotonic()`, is long enough ago."""
        return time.monotonic() - since >= self.interval

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def as_file(state: Mapping[str, Tensor]) -> bytes:
    """The tensors as an .npz."""
    stream = io.BytesIO()
    np.savez(stream, **{name: values.detach().cpu().numpy() for name, values in state.items()})  # pyright: ignore[reportArgumentType]
    return stream.getvalue()
