# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs one Blender has given to its backend. No bpy, and no method waits but `close`."""

import shutil
import time
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .bundle import errors, files, protocol
from .client import BackendProcess, Ended, Start
from .inprocess import InProcess

End = protocol.End
STOP_S = 5.0  # after a cancel that had no effect, until the backend may be ended for it
KILL_S = 3.0  # from asking the backend to end until it is made to
SETTLED_S = 2.0  # of a phase, before which its pace says nothing
RESTARTS, RESTARTS_S = 3, 60.0  # so many ends of its own in so long, and it is not started again
PATIENCE_S = {"starting": 180.0, "loading": 900.0, "running": 120.0}  # of silence, until the label says so


@dataclass
class Job:
    """What is known of one job; `end` is None until it has ended, and then never changes."""

    op: str
    label: str  # what the user asked for, in words
    target: str = ""  # uid of the head it will change; empty for a new one
    parent: str = ""  # uid of the step it is made of
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    phase: str = "starting the backend"
    step: int = 0
    total: int = 0
    started: float = field(default_factory=time.monotonic)
    phase_started: float = field(default_factory=time.monotonic)
    eta_s: float | None = None  # as the backend counts it
    preview: str = ""  # the newest picture of the unfinished face, relative to the scratch folder
    note: str = ""  # something to know, such as that memory is short
    cancelling: bool = False
    cancelled: float = 0.0  # when, by time.monotonic()
    params: dict[str, Any] = field(default_factory=dict)  # as it was handed in
    end: End | None = None

    @property
    def share(self) -> float:
        """How much of the present phase is done, 0..1."""
        return min(1.0, self.step / self.total) if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Of the present phase; None until there is something to go by."""
        elapsed = time.monotonic() - self.phase_started
        if elapsed < SETTLED_S:  # the backend does not know yet either, and may count no time at all
            return None
        if self.eta_s is not None:
            return self.eta_s
        if not 0 < self.step < self.total:
            return None
        return elapsed * (self.total - self.step) / self.step

    def advance(self, progress: protocol.Progress) -> None:
        if progress.phase != self.phase:
            self.phase_started = time.monotonic()
        self.phase, self.step, self.total = progress.phase, progress.step, progress.total
        self.eta_s, self.note = progress.eta_s, progress.note or self.note


class Desk:
    """Starts the backend at the first job and follows jobs until they end.

    Args:
        start: how the backend is started; None runs it in this interpreter.
        scratch: a folder of this Blender's own; every job gets a folder in it, named by its id.
        idle_s: seconds without a job after which the backend frees its models; 0 keeps them.
        memory_mb: how much the models it keeps may take; None leaves it to the backend.
    """

    def __init__(
        self,
        start: Start | None,
        scratch: Path,
        addon_version: str,
        blender: str,
        idle_s: float = protocol.IDLE_S,
        memory_mb: int | None = None,
    ) -> None:
        self.start, self.scratch = start, scratch
        words = {"blender": blender, "idle_s": idle_s, "memory_mb": memory_mb}
        self._hello = protocol.ClientHello(addon_version, str(scratch.resolve()), **words)
        self._process: BackendProcess | InProcess | None = None
        self._jobs: dict[str, Job] = {}
        self._crashes: list[float] = []  # when the backend ended by itself
        self._refused: protocol.Error | None = None  # why it cannot run at all, as it said itself
        self._kill_at: float | None = None
        self.ready: protocol.Ready | None = None
        self.heartbeat: protocol.Heartbeat | None = None

    @property
    def log(self) -> tuple[str, ...]:
        """The last lines the backend wrote to stderr."""
        return tuple(self._process.log) if self._process else ()

    def alive(self) -> bool:
        return self._process is not None and self._process.alive()

    @property
    def state(self) -> str:
        """What the backend does: off, starting, loading, idle or running; or that it has been silent for long."""
        if self._process is None or not self._process.alive():
            return "off"
        busy = next(iter(self._jobs.values()), None)
        state = "starting" if self.ready is None else "idle"
        if self.ready is not None and busy:
            state = "loading" if busy.phase == "loading" else "running"
        silence = self._process.silence
        return f"not responding for {silence:.0f} s" if silence > PATIENCE_S.get(state, STOP_S) else state

    def folder(self, job: Job) -> Path:
        """The job's own folder, made on first use.

        Raises:
            errors.FolderUnwritable, errors.DiskFull: it cannot be made.
        """
        folder = self.scratch / job.id
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise files.refusal(folder, error) from None
        return folder

    def submit(self, job: Job, params: dict[str, Any]) -> None:
        """Hands a job in; paths in `params` are relative to `scratch` and begin with the job's id.

        Raises:
            errors.SpawnFailed: the backend cannot be started.
            errors.RestartStorm: it has stopped by itself too often; `forgive` allows another try.
            errors.QueueFull: it does not read.
        """
        if not self.alive():
            self.close()
            self._open()
        assert self._process is not None
        job.params = params
        self._process.send(protocol.Submit(job.id, job.op, params))
        self._jobs[job.id] = job

    def resume(self, job: Job) -> Job:
        """Hands in again, under the same id, a job whose backend stopped; it goes on from its journal if there is one.

        Raises as `submit` does.
        """
        again = Job(job.op, job.label, job.target, job.parent, job.id)
        journals = self.folder(job).glob(".*.run/request.json")
        self.submit(again, {**job.params, "resume": True} if any(journals) else job.params)
        return again

    def unload(self) -> None:
        """Asks an idle backend to free its models, as before a render."""
        if self._process is not None and self.alive():
            self._process.send(protocol.Unload())

    def forgive(self) -> None:
        """Lets the backend be started again after it has stopped too often."""
        self._crashes.clear()

    def cancel(self, job: Job) -> None:
        """Asks the backend to stop the job; asked a second time, ends the backend, by force if it takes that."""
        if job.end is not None or self._process is None:
            return
        if job.cancelling:
            self._process.terminate()
            self._kill_at = self._kill_at or time.monotonic() + KILL_S
        else:
            job.cancelling, job.cancelled = True, time.monotonic()
            self._process.send(protocol.Cancel(job.id))

    def cancel_label(self, job: Job) -> str:
        """What the cancel button says."""
        if not job.cancelling:
            return "Cancel"
        if self._kill_at is not None:
            return "Stopping"
        return "Stop Now" if time.monotonic() - job.cancelled > STOP_S else "Cancelling"

    def poll(self, seconds: float) -> list[Job]:
        """Takes in events for at most `seconds`; returns the jobs that have ended."""
        ended: list[Job] = []
        if self._kill_at is not None and time.monotonic() > self._kill_at and self._process is not None:
            self._process.kill()
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
        return self.inside(str(end.outputs.get(name, "")))

    def inside(self, named: str) -> Path:
        """A path the backend named; raises errors.PathRefused as `output` does."""
        root = self.scratch.resolve()
        path = (root / named).resolve()
        if path == root or not path.is_relative_to(root):
            raise errors.PathRefused(f"{named!r}, which the backend named, is not in {root}")
        return path

    def forget(self, job: Job) -> None:
        """Deletes the job's folder."""
        shutil.rmtree(self.scratch / job.id, ignore_errors=True)

    def close(self) -> None:
        """Ends the backend, if there is one."""
        if self._process is not None:
            self._process.close()
        self._process, self.ready, self.heartbeat, self._refused, self._kill_at = None, None, None, None, None

    def _open(self) -> None:
        now = time.monotonic()
        self._crashes = [moment for moment in self._crashes if now - moment < RESTARTS_S]
        if len(self._crashes) >= RESTARTS:
            raise errors.RestartStorm(
                f"the backend has stopped {RESTARTS} times within {RESTARTS_S:.0f} s",
                advice="look at the log; then start it again by hand",
            )
        self._process = InProcess() if self.start is None else BackendProcess(self.start)
        self._process.send(self._hello)

    def _take(self, event: protocol.Event | Ended) -> list[Job]:
        match event:
            case protocol.Ready():
                self.ready = event
            case protocol.Heartbeat():
                self.heartbeat = event
            case protocol.BackendHello():
                return self._greeted(event)
            case protocol.Progress() if job := self._jobs.get(event.id):
                job.advance(event)
            case protocol.Preview() if job := self._jobs.get(event.id):
                job.preview = event.file
            case protocol.Result() | protocol.Cancelled():
                return self._finish(event.id, event)
            case protocol.Error():
                if event.id:
                    return self._finish(event.id, event)
                if self.ready is None:  # the reason why it ends now; later, a line it did not understand
                    self._refused = event
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
        if self._kill_at is None:
            self._crashes.append(time.monotonic())
        tail = ended.log[-1] if ended.log else "it said nothing"
        crash = errors.BackendCrashed(
            f"the backend ended with status {ended.exit_status}: {tail}",
            advice="try again; if it happens twice, look at the log",
        )
        finished = []
        for name, job in list(self._jobs.items()):
            end = protocol.Cancelled(name) if job.cancelling else protocol.Error.of(name, crash)
            if self._refused is not None and not job.cancelling:
                end = replace(self._refused, id=name)
            finished += self._finish(name, end)
        return finished
