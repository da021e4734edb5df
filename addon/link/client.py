# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend behind three pipes: a child process here, or one that ssh reaches. No bpy: it runs under pytest too."""

import contextlib
import os
import queue
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from .bundle import BACKEND_ROOT, errors, protocol, transfer
from .logs import LINE_LENGTH, Log
from .queues import Inbox

REQUESTS = 256  # that may wait for the pipe
# Blender, Steam and Snap set some of these for themselves; in the child they would pick wrong libraries.
_NOT_INHERITED = ("PYTHON", "DYLD_", "LD_LIBRARY_PATH", "LD_PRELOAD", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Ended:
    """The last event of a process: it is gone, whoever wanted it. `log` is the end of its stderr."""

    exit_status: int
    log: tuple[str, ...]


@dataclass(frozen=True)
class Start:
    """How a backend is started.

    Attributes:
        command: program and arguments, any prefix included.
        cwd: the folder that holds `backend/`.
        variables: environment variables of its own.
        remote: it shares no disk with us, so files travel through the pipe.
        log: a file that keeps what it writes to stderr.
    """

    command: tuple[str, ...]
    cwd: Path = BACKEND_ROOT
    variables: Mapping[str, str] = field(default_factory=dict)
    remote: bool = False
    log: Path | None = None


def serve(python: str) -> tuple[str, ...]:
    """The command of a backend that lives no longer than this process."""
    switches = ["-s", "-E", "-u", "-X", "utf8", "-X", "faulthandler"]
    return (python, *switches, "-m", "backend", "serve", "--parent-pid", str(os.getpid()))


def remote(prefix: str, folder: str, python: str = "python3", log: Path | None = None) -> Start:
    """A backend on another machine.

    Args:
        prefix: how to run a shell command there, such as "ssh -T me@gpu-box".
        folder: there, what holds `backend/`.

    Raises:
        errors.UsageError: the prefix is no command line.
    """
    try:
        words = shlex.split(prefix)
    except ValueError as error:
        raise errors.UsageError(f"{prefix!r} is no command: {error}", advice="such as ssh -T me@gpu-box") from None
    if not words:
        raise errors.UsageError("the remote command is empty", advice="such as ssh -T me@gpu-box")
    place = f"~{shlex.quote(folder[1:])}" if folder.startswith("~/") else shlex.quote(folder)
    there = f"cd {place} && exec {shlex.quote(python)} -m backend serve"
    return Start((*words, there), cwd=Path(tempfile.gettempdir()), remote=True, log=log)


def child_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The variables a backend inherits: all but those that would change which code it loads."""
    kept = {name: value for name, value in ours.items() if not name.startswith(_NOT_INHERITED)}
    return {**kept, "PYTHONNOUSERSITE": "1", "HF_HUB_OFFLINE": "1"}


class Link:
    """One conversation with a backend over two streams. No method waits for it but `close`.

    A thread reads, a thread writes. They also do what takes time: the files of a job are hashed before its `submit`
    leaves and before its `result` is handed on, and sent and received where no disk is shared.

    Args:
        apart: no disk is shared.
    """

    _running = ""  # the job that speaks

    def __init__(self, to: IO[bytes], back: IO[bytes], log: Log, *, apart: bool) -> None:
        self.log = log
        self._apart = apart
        self._scratch: Path | None = None
        self._receiver: transfer.Receiver | None = None
        self._events: Inbox[protocol.Event | Ended] = Inbox()
        self._lines: queue.Queue[protocol.Request | None] = queue.Queue()
        self._heard = time.monotonic()
        self._reader = self._thread(self._read, back)
        self._writer = self._thread(self._write, to)

    @property
    def silence(self) -> float:
        """Seconds since the backend last said anything; it beats every second."""
        return time.monotonic() - self._heard

    def send(self, message: protocol.Request) -> None:
        """Queues a message; a thread writes it, so that a full pipe never stops the caller.

        Raises:
            errors.LineTooLong, errors.ProtocolError: it cannot be sent at all.
            errors.QueueFull: the backend has not read for long.
        """
        protocol.encode(message)
        if self._lines.qsize() >= REQUESTS:
            raise errors.QueueFull("the backend does not read what it is sent", advice="stop it and try again")
        if isinstance(message, protocol.ClientHello):
            self._scratch = Path(message.scratch).resolve()
            self._receiver = transfer.Receiver(self._scratch) if self._apart else None
        self._lines.put(message)

    def poll(self) -> Iterator[protocol.Event | Ended]:
        """The events that have come since the last call, without waiting; the last one ever is `Ended`."""
        return self._events.take()

    def _status(self) -> int:
        """The backend's exit status, once it has closed its side; may wait."""
        return 0

    def _thread(self, target, pipe: IO[bytes]) -> threading.Thread:
        thread = threading.Thread(target=target, args=(pipe,), name="facewright-link", daemon=True)
        thread.start()
        return thread

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe, contextlib.suppress(OSError, ValueError):
            while line := pipe.readline(protocol.LINE_LIMIT + 1):
                self._heard = time.monotonic()
                try:
                    event = protocol.decode_event(line)
                except errors.ProtocolError as error:
                    self.log.append(f"[link] dropped a line: {error.message}")
                    continue
                if (checked := self._checked(event)) is not None:
                    self._events.put(checked)
        self._events.put(Ended(self._status(), tuple(self.log)))

    def _checked(self, event: protocol.Event) -> protocol.Event | None:
        """The event, where the files it names are here and whole; a broken preview is nothing, a result an error."""
        match event:
            case protocol.Chunk():
                if self._receiver is not None:
                    self._receiver.take(event)
                return None
            case protocol.Accepted() | protocol.Progress():
                self._running = event.id
            case protocol.Preview():
                whole = self._verified(event.id, (protocol.File(event.file, event.size, event.sha256),))
                return event if whole is None else None
            case protocol.Result():
                self._running = ""
                return self._verified(event.id, event.files) or event
            case protocol.Error() | protocol.Cancelled():
                self._running = ""
        return event

    def _verified(self, id: str, files: tuple[protocol.File, ...]) -> protocol.Error | None:
        """What is wrong with the files of a job, if anything."""
        try:
            if self._receiver is not None:
                self._receiver.check(id)
            if self._scratch is not None:
                transfer.verify(self._scratch, id, files)
        except errors.BackendError as error:
            self.log.append(f"[link] {error.message}", id)
            return protocol.Error.of(id, error)
        return None

    def _write(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError), pipe:  # the backend is gone; the reader says so
            while (message := self._lines.get()) is not None:
                try:
                    for one in self._with_files(message):
                        pipe.write(protocol.encode(one))
                    pipe.flush()
                except errors.BackendError as error:
                    self._events.put(protocol.Error.of(getattr(message, "id", ""), error))

    def _with_files(self, message: protocol.Request) -> Iterator[protocol.Request]:
        """What is really sent: with a job its files, or where no disk is shared their contents before it."""
        if isinstance(message, protocol.ClientHello) and self._apart:
            yield replace(message, scratch="")
        elif isinstance(message, protocol.Submit) and self._scratch is not None:
            files = transfer.survey(self._scratch, message.id)
            for file in files if self._apart else ():
                yield from transfer.pieces(self._scratch, message.id, file)
            yield replace(message, files=files)
        else:
            yield message


class BackendProcess(Link):
    """A running backend of its own process.

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
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        self.log = Log(start.log)
        self._logger = self._thread(self._keep_log, self._child.stderr)
        super().__init__(self._child.stdin, self._child.stdout, self.log, apart=start.remote)

    @property
    def pid(self) -> int:
        return self._child.pid

    def alive(self) -> bool:
        return self._child.poll() is None

    def terminate(self) -> None:
        """Asks the process to end now, or ends it where it has no say; `Ended` follows."""
        self._child.terminate()

    def kill(self) -> None:
        """Ends the process now; `Ended` follows."""
        self._child.kill()

    def close(self, patience: float = 3.0) -> None:
        """Ends the process: it leaves when its stdin ends, or is killed after `patience` seconds."""
        self._lines.put(None)
        self._events.close()
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for thread in (self._writer, self._reader, self._logger):
            thread.join(patience)

    def _status(self) -> int:
        status = self._child.wait()
        self._logger.join(1.0)
        return status

    def _keep_log(self, pipe: IO[bytes]) -> None:
        with pipe, contextlib.suppress(OSError, ValueError):
            while line := pipe.readline(4 * LINE_LENGTH):
                self.log.append(line.decode("utf-8", "replace").rstrip(), self._running)


def _creation_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return 0
