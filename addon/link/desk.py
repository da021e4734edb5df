# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs one Blender has given to its backend. No bpy, and no method waits but `close`."""

import shutil
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .bundle import errors, protocol
from .client import BackendProcess, Ended, Start

End = protocol.Result | protocol.Error | protocol.Cancelled


@dataclass
class Job:
    """What is known of one job; `end` is None until it has ended, and then never changes."""

    op: str
    label: str  # what the user asked for, in words
    target: str = ""  # uid of the head it will change; empty for a new one
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    phase: str = "starting the backend"
    step: int = 0
    total: int = 0
    started: float = field(default_factory=time.monotonic)
    cancelling: bool = False
    end: End | None = None

    @property
    def share(self) -> float:
        """How much of the present phase is done, 0..1."""
        return min(1.0, self.step / self.total) if self.total else 0.0


class Desk:
    """Starts the backend at the first job and follows jobs until they end.

    Args:
        start: how the backend is started.
        scratch: a folder of this Blender's own; every job gets a folder in it, named by its id.
    """

    def __init__(self, start: Start, scratch: Path, addon_version: str, blender: str) -> None:
        self.start, self.scratch = start, scratch
        self._hello = protocol.ClientHello(addon_version, str(scratch), blender=blender)
        self._process: BackendProcess | None = None
        self._jobs: dict[str, Job] = {}
        self.ready: protocol.Ready | None = None

    @property
    def log(self) -> tuple[str, ...]:
        """The last lines the backend wrote to stderr."""
        return tuple(self._process.log) if self._process else ()

    def alive(self) -> bool:
        return self._process is not None and self._process.alive()

    def folder(self, job: Job) -> Path:
        """The job's own folder, made on first use."""
        folder = self.scratch / job.id
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def submit(self, job: Job, params: dict[str, Any]) -> None:
        """Hands a job in; paths in `params` are relative to `scratch`.

        Raises:
            errors.SpawnFailed: the backend cannot be started.
        """
        if not self.alive():
            self.close()
            self._process = BackendProcess(self.start)
            self._process.send(self._hello)
        assert self._process is not None
        self._process.send(protocol.Submit(job.id, job.op, params))
        self._jobs[job.id] = job

    def cancel(self, job: Job) -> None:
        """Asks the backend to stop the job; asked a second time, ends the backend."""
        if job.end is not None or self._process is None:
            return
        if job.cancelling:
            self._process.kill()
        else:
            job.cancelling = True
            self._process.send(protocol.Cancel(job.id))

    def poll(self, seconds: float) -> list[Job]:
        """Takes in events for at most `seconds`; returns the jobs that have ended."""
        ended: list[Job] = []
        until = time.monotonic() + seconds
        for event in self._process.poll() if self._process else ():
            ended += self._take(event)
            if time.monotonic() > until:
                break
        return ended

    def output(self, end: protocol.Result, name: str) -> Path:
        """A file or folder the job made.

        Raises:
            errors.PathRefused: it lies outside the scratch folder, or is not named at all.
        """
        root = self.scratch.resolve()
        path = (root / str(end.outputs.get(name, ""))).resolve()
        if path == root or not path.is_relative_to(root):
            raise errors.PathRefused(f"the backend's {name} is not in {root}")
        return path

    def forget(self, job: Job) -> None:
        """Deletes the job's folder."""
        shutil.rmtree(self.scratch / job.id, ignore_errors=True)

    def close(self) -> None:
        """Ends the backend, if there is one."""
        if self._process is not None:
            self._process.close()
        self._process, self.ready = None, None

    def _take(self, event: protocol.Event | Ended) -> list[Job]:
        match event:
            case protocol.Ready():
                self.ready = event
            case protocol.BackendHello():
                return self._greeted(event)
            case protocol.Progress() if job := self._jobs.get(event.id):
                job.phase, job.step, job.total = event.phase, event.step, event.total
            case protocol.Result() | protocol.Cancelled():
                return self._finish(event.id, event)
            case protocol.Error():
                return self._finish(event.id, event) if event.id else self._finish_all(event)
            case Ended():
                return self._crashed(event)
        return []

    def _greeted(self, hello: protocol.BackendHello) -> list[Job]:
        try:
            protocol.check_version(hello.protocol)
        except errors.VersionMismatch as error:
            return self._finish_all(protocol.Error.of("", error))
        for job in self._jobs.values():
            job.phase = "loading the backend"
        return []

    def _finish(self, id: str, end: End) -> list[Job]:
        """The job of that id, ended; nothing where it had ended before or never was."""
        job = self._jobs.pop(id, None)
        if job is None:
            return []
        job.end = end
        return [job]

    def _finish_all(self, error: protocol.Error) -> list[Job]:
        return [job for name in list(self._jobs) for job in self._finish(name, error)]

    def _crashed(self, ended: Ended) -> list[Job]:
        tail = ended.log[-1] if ended.log else "it said nothing"
        crash = errors.BackendCrashed(
            f"the backend ended with status {ended.exit_status}: {tail}",
            advice="try again; if it happens twice, look at the log",
        )
        finished = []
        for name, job in list(self._jobs.items()):
            end = protocol.Cancelled(name) if job.cancelling else protocol.Error.of(name, crash)
            finished += self._finish(name, end)
        return finished
