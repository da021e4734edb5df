# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backend writes to stderr: the last lines in memory, and all of it in a file that does not grow for ever."""

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

LINES = 400
LINE_LENGTH = 2000
FILE_SIZE = 1 << 20
OLD_FILES = 3


class Log:
    """A ring of lines and, where `path` is given, a file; full, it becomes `path.1`, that one `path.2`, and so on.

    A file that cannot be written is no reason to stop: the ring goes on alone. Two processes may share a path.
    """

    def __init__(self, path: Path | None = None, size: int = FILE_SIZE, old: int = OLD_FILES) -> None:
        self.path = path
        self._size, self._old = size, old
        self._lines: deque[str] = deque(maxlen=LINES)
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(tuple(self._lines))

    def __len__(self) -> int:
        return len(self._lines)

    def append(self, text: str, job: str = "") -> None:
        """One more line, with the time and the first letters of the job's id."""
        line = f"{time.strftime('%H:%M:%S')} {f'[{job[:8]}] ' if job else ''}{text[:LINE_LENGTH]}"
        with self._lock:
            self._lines.append(line)
            if self.path is not None:
                with contextlib.suppress(OSError):
                    self._write(self.path, f"{time.strftime('%Y-%m-%d')} {line}\n".encode("utf-8", "replace"))

    def _write(self, path: Path, line: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.stat().st_size + len(line) > self._size:
            for number in range(self._old, 0, -1):
                newer = path.with_name(f"{path.name}.{number - 1}") if number > 1 else path
                if newer.is_file():
                    newer.replace(path.with_name(f"{path.name}.{number}"))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)
