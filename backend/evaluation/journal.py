"""What a run has found so far, a line a finding, so that it goes on after a kill where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import BackendError, Cancelled, UsageError
from ..files import refusal

NAME = "journal.jsonl"
Facts = dict[str, Any]


class Journal:
    """Findings by key, kept in a folder. A finding that failed is kept as such, and tried again by the next run."""

    def __init__(self, folder: Path, identity: dict[str, Any]):
        """Opens the journal of `folder`, or begins one.

        Args:
            identity: what makes the run what it is (items, presets, checkpoints): findings of another are of no use.

        Raises:
            UsageError: the folder holds another run's.
            FolderUnwritable, DiskFull.
        """
        self.folder, self.failed = folder, {}
        self._known: dict[str, Facts] = {}
        self._path = folder / NAME
        lines = self._path.read_bytes().split(b"\n") if self._path.is_file() else []
        if len(lines) > 1:  # what follows the last line feed was cut short
            if json.loads(lines[0]) != json.loads(json.dumps(identity)):
                raise UsageError(
                    f"{folder} holds another run's findings: other items, settings or checkpoints",
                    advice="choose another --out, or delete the folder",
                )
            for line in lines[1:-1]:
                entry = json.loads(line)
                if "failed" not in entry:
                    self._known[entry["key"]] = entry["facts"]
            if lines[-1]:
                self._path.write_bytes(b"\n".join([*lines[:-1], b""]))
        else:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._path.unlink(missing_ok=True)
            except OSError as error:
                raise refusal(folder, error) from error
            self._write(identity)

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def get(self, key: str) -> Facts | None:
        return self._known.get(key)

    def find(self, key: str, work: Callable[[], Facts]) -> Facts | None:
        """The facts under `key`, found now unless they are known; None where finding them failed.

        Raises:
            Cancelled: nothing is written.
        """
        if key in self._known:
            return self._known[key]
        try:
            facts = work()
        except Cancelled:
            raise
        except (BackendError, ArithmeticError, ValueError, RuntimeError, LookupError) as error:
            self.failed[key] = f"{type(error).__name__}: {error}"
            self._write({"key": key, "failed": self.failed[key]})
            return None
        self._write({"key": key, "facts": facts})
        self._known[key] = json.loads(json.dumps(facts))
        return self._known[key]

    def _write(self, entry: dict[str, Any]) -> None:
        try:
            with self._path.open("ab") as file:
                file.write(json.dumps(entry).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise refusal(self._path, error) from error
