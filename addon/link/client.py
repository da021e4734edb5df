# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend as a child process behind three pipes. No bpy: it runs under pytest as it runs in Blender."""

import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from .bundle import BACKEND_ROOT, errors, protocol

LOG_LINES = 400
# Blender, Steam and Snap set some of these for themselves; in the child they would pick wrong libraries.
_NOT_INHERITED = ("PYTHON", "DYLD_", "LD_LIBRARY_PATH", "LD_PRELOAD", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Ended:
    """The last event of a process: it is gone, whoever wanted it. `log` is the end of its stderr."""

    exit_status: int
    log: tuple[str, ...]


@dataclass(frozen=True)
class Start:
    """How a backend is started: the command, the folder that holds `backend/`, variables of its own."""

    command: tuple[str, ...]
    cwd: Path = BACKEND_ROOT
    variables: Mapping[str, str] = field(default_factory=dict)


def serve(python: str) -> tuple[str, ...]:
    """The command of a backend that lives no longer than this process."""
    switches = ["-s", "-E", "-u", "-X", "utf8", "-X", "faulthandler"]
    return (python, *switches, "-m", "backend", "serve", "--parent-pid", str(os.getpid()))


def child_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The variables a backend inherits: all but those that would change which code it loads."""
    kept = {name: value for name, value in ours.items() if not name.startswith(_NOT_INHERITED)}
    return {**kept, "PYTHONNOUSERSITE": "1", "HF_HUB_OFFLINE": "1"}


class BackendProcess:
    """A running backend. No method waits for it but `close`.

    Raises:
        errors.SpawnFailed: the command cannot be started.
    """

    def __init__(self, start: Start) -> None:
        try:
            self._child = subprocess.Popen(
                start.command,
                cwd=start.cwd,
                env={**child_environment(os.environ), **start.variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                creationflags=_creation_flags(),
            )
        except (OSError, ValueError) as error:
            raise errors.SpawnFailed(
                f"{start.command[0]} cannot be started: {error}",
                advice="set the backend's Python in the add-on's preferences",
            ) from None
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self._events: queue.SimpleQueue[protocol.Event | Ended] = queue.SimpleQueue()
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        self._logger = self._thread(self._keep_log, self._child.stderr)
        self._reader = self._thread(self._read, self._child.stdout)
        self._writer = self._thread(self._write, self._child.stdin)

    @property
    def pid(self) -> int:
        return self._child.pid

    def alive(self) -> bool:
        return self._child.poll() is None

    def send(self, message: protocol.Request) -> None:
        """Queues a message; a thread writes it, so that a full pipe never stops the caller."""
        self._lines.put(protocol.encode(message))

    def poll(self) -> Iterator[protocol.Event | Ended]:
        """The events that have come since the last call, without waiting; the last one ever is `Ended`."""
        while True:
            try:
                yield self._events.get_nowait()
            except queue.Empty:
                return

    def kill(self) -> None:
        """Ends the process now; `Ended` follows."""
        self._child.kill()

    def close(self, patience: float = 3.0) -> None:
        """Ends the process: it leaves when its stdin ends, or is killed after `patience` seconds."""
        self._lines.put(None)
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for thread in (self._writer, self._reader, self._logger):
            thread.join(patience)

    def _thread(self, target, pipe: IO[bytes]) -> threading.Thread:
        thread = threading.Thread(target=target, args=(pipe,), name="facewright-link", daemon=True)
        thread.start()
        return thread

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            while line := pipe.readline(protocol.LINE_LIMIT + 1):
                try:
                    self._events.put(protocol.decode_event(line))
                except errors.ProtocolError as error:
                    self.log.append(f"[link] dropped a line: {error.message}")
        status = self._child.wait()
        self._logger.join(1.0)
        self._events.put(Ended(status, tuple(self.log)))

    def _write(self, pipe: IO[bytes]) -> None:
        try:
            with pipe:
                while (line := self._lines.get()) is not None:
                    pipe.write(line)
                    pipe.flush()
        except OSError:  # the child is gone; the reader says so
            return

    def _keep_log(self, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                stamp = time.strftime("%H:%M:%S")
                self.log.append(f"{stamp} {line.decode('utf-8', 'replace').rstrip()}")


def _creation_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return 0
