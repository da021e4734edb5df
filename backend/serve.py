"""The loop behind `serve`: requests in on stdin, events out on what was stdout.

Jobs run one at a time on the main thread; a reader thread takes requests, so that a cancel is seen at the
job's next step, and another beats every second. The end of stdin means that the client is gone: the job is
stopped and the process ends.
"""

import contextlib
import inspect
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, BinaryIO, get_args, get_type_hints

from . import __version__, protocol
from .errors import BackendError, Cancelled, LineTooLong, PathRefused, ProtocolError, UnknownOption, UsageError

Job = Callable[..., Mapping[str, Any]]

HEARTBEAT_S = 1.0
GRACE_S = 1.5  # how long a job may take to notice that the client is gone
PROGRESS_INTERVAL_S = 0.1
PREVIEW_INTERVAL_S = 0.5


@dataclass(frozen=True)
class Service:
    """What is served: the jobs by name, how to tell what is there (imports torch), how to free models."""

    jobs: Mapping[str, Job]
    describe: Callable[[], protocol.Ready]
    unload: Callable[[tuple[str, ...]], None]


def take_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Private copies of stdin and stdout; from then on a library's print, in Python or C, goes to stderr."""
    requests, events = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(requests, os.O_BINARY)
        msvcrt.setmode(events, os.O_BINARY)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    return os.fdopen(requests, "rb"), os.fdopen(events, "wb")


class Server:
    """One conversation. `run` returns when it is over."""

    def __init__(self, service: Service, requests: BinaryIO, events: BinaryIO, parent_pid: int | None = None):
        self._service = service
        self._requests = requests
        self._events = events
        self._parent_pid = parent_pid
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._scratch: Path | None = None
        self._waiting: queue.Queue[protocol.Submit | protocol.Unload | None] = queue.Queue()
        self._open: list[str] = []  # ids accepted and not ended, the running one first
        self._seen: set[str] = set()
        self._cancelled: set[str] = set()
        self._closing = threading.Event()
        self._state = "starting"

    def run(self) -> None:
        """Say hello, then ready, then serve until told to stop."""
        self._send(protocol.BackendHello(__version__, os.getpid(), sys.version.split()[0]))
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._beat, daemon=True).start()
        try:
            self._send(self._service.describe())
        except BackendError as error:
            self._send(protocol.Error.of("", error))
            return
        self._state = "idle"
        while (request := self._waiting.get()) is not None:
            if isinstance(request, protocol.Unload):
                self._service.unload(request.keep)
                self._send(protocol.Unloaded())
                continue
            self._state = "running"
            self._send(self._outcome(request))
            self._open.remove(request.id)
            self._state = "idle"
        self._send(protocol.Bye())

    def _send(self, event: protocol.Event) -> None:
        line = protocol.encode(event)
        with self._lock, contextlib.suppress(OSError):  # nobody listens: the end of stdin says so as well
            self._events.write(line)
            self._events.flush()

    def _beat(self) -> None:
        while not self._closing.wait(HEARTBEAT_S):
            self._send(protocol.Heartbeat(time.monotonic() - self._started, self._state, _resident_mb()))
            if self._parent_pid is not None and not _lives(self._parent_pid):
                self._close(leave=True)

    def _read(self) -> None:
        while line := self._requests.readline(protocol.LINE_LIMIT + 1):
            try:
                if len(line) > protocol.LINE_LIMIT:
                    self._skip_line(line)
                    raise LineTooLong(f"a line of more than {protocol.LINE_LIMIT} bytes")
                self._take(protocol.decode_request(line))
            except BackendError as error:
                self._send(protocol.Error.of("", error))
        self._close(leave=True)

    def _skip_line(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self._requests.readline(protocol.LINE_LIMIT)

    def _take(self, request: protocol.Request) -> None:
        match request:
            case protocol.ClientHello():
                protocol.check_version(request.protocol)
                scratch = Path(request.scratch)
                if not scratch.is_absolute():
                    raise ProtocolError(f"the scratch folder {request.scratch[:80]!r} is no absolute path")
                self._scratch = scratch.resolve()
            case protocol.Submit():
                if self._scratch is None or request.id in self._seen or not request.id:
                    raise ProtocolError(f"job {request.id!r} comes before hello, or its id was used before")
                self._seen.add(request.id)
                self._send(protocol.Accepted(request.id, len(self._open)))
                self._open.append(request.id)
                self._waiting.put(request)
            case protocol.Cancel():
                self._cancelled.add(request.id)  # of a job that has ended or never was: nothing asks for it
            case protocol.Unload():
                self._waiting.put(request)
            case protocol.Shutdown():
                self._close(leave=False)

    def _close(self, *, leave: bool) -> None:
        """Stop the job and end; with `leave`, without waiting longer than GRACE_S for it."""
        self._closing.set()
        self._waiting.put(None)
        if leave:
            timer = threading.Timer(GRACE_S, os._exit, (0,))
            timer.daemon = True
            timer.start()

    def _outcome(self, submit: protocol.Submit) -> protocol.Result | protocol.Error | protocol.Cancelled:
        """Run one job; whatever happens in it becomes its one end."""
        started = time.monotonic()

        def cancelled() -> bool:
            return self._closing.is_set() or submit.id in self._cancelled

        if cancelled():
            return protocol.Cancelled(submit.id)
        assert self._scratch is not None
        reporter = Reporter(submit.id, self._send)
        try:
            job = self._service.jobs.get(submit.op)
            if job is None:
                raise UsageError(f"no job is called {submit.op!r}", advice=f"there are {', '.join(self._service.jobs)}")
            values = arguments(job, submit.params, self._scratch)
            outputs = job(**values, emit=reporter.emit, cancelled=cancelled)
            seconds = round(time.monotonic() - started, 3)
            result = protocol.Result(submit.id, _relative(outputs, self._scratch), seconds)
            protocol.encode(result)  # what cannot be sent is the job's failure
        except Cancelled:
            return protocol.Cancelled(submit.id)
        except BackendError as error:
            return protocol.Error.of(submit.id, error)
        except Exception as error:  # noqa: BLE001 - a bug ends its job, not the backend; the log has it all
            traceback.print_exc()
            internal = BackendError(f"{type(error).__name__}: {error}", advice="please report it, with the log")
            return protocol.Error.of(submit.id, internal)
        return result


class Reporter:
    """A job's `emit`: its events as messages, no more of them a second than an eye can use."""

    def __init__(self, id: str, send: Callable[[protocol.Event], None]) -> None:
        self._id = id
        self._send = send
        self._phase = ""
        self._phase_began = 0.0
        self._next_progress = 0.0
        self._next_preview = 0.0

    def emit(self, event: Mapping[str, Any]) -> None:
        """`{"type": "progress", "phase", "step", "total"}` or `{"type": "preview", "file", "step"}`."""
        now = time.monotonic()
        match event["type"]:
            case "progress":
                phase, step, total = event["phase"], event["step"], event["total"]
                if phase != self._phase:
                    self._phase, self._phase_began, self._next_progress = phase, now, 0.0
                if now >= self._next_progress or step >= total:
                    self._next_progress = now + PROGRESS_INTERVAL_S
                    eta = (now - self._phase_began) / step * (total - step) if step else None
                    self._send(protocol.Progress(self._id, phase, step, total, eta))
            case "preview" if now >= self._next_preview:
                self._next_preview = now + PREVIEW_INTERVAL_S
                self._send(protocol.Preview(self._id, event["file"], event.get("step", 0)))


def arguments(job: Job, params: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """`params` as the job's signature wants them; its paths are inside `scratch`.

    Raises:
        UnknownOption, UsageError, ProtocolError: a name too many, one too few, a wrong type.
        PathRefused: a path leaves the scratch folder.
    """
    signature = inspect.signature(job)
    hints = get_type_hints(job)
    known = signature.parameters.keys() - {"emit", "cancelled"}
    if unknown := sorted(params.keys() - known):
        raise UnknownOption(f"{', '.join(unknown)} is no option here", advice=f"there are {', '.join(sorted(known))}")
    needed = {name for name in known if signature.parameters[name].default is inspect.Parameter.empty}
    if missing := sorted(needed - params.keys()):
        raise UsageError(f"{', '.join(missing)} must be given")
    values = {}
    for name, value in params.items():
        if Path in (hints[name], *get_args(hints[name])):
            values[name] = None if value is None else inside(scratch, protocol.checked(value, str, name))
        else:
            values[name] = protocol.checked(value, hints[name], name)
    return values


def inside(scratch: Path, text: str) -> Path:
    """The path that `text` names below `scratch`, however it is written and wherever links lead."""
    parts = (PurePosixPath(text), PureWindowsPath(text))
    with contextlib.suppress(ValueError, OSError):  # such as a NUL in it
        path = (scratch / text).resolve()
        escapes = any(way.anchor or ".." in way.parts for way in parts)
        if text and not escapes and path.is_relative_to(scratch) and path != scratch:
            return path
    raise PathRefused(f"{text[:80]!r} is not inside the scratch folder")


def _relative(outputs: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """What a job returned, absolute paths below the scratch folder written relative to it."""
    shown = {}
    for name, value in outputs.items():
        path = Path(value) if isinstance(value, str | Path) else None
        below = path is not None and path.is_absolute() and path.is_relative_to(scratch)
        shown[name] = path.relative_to(scratch).as_posix() if path and below else value
    return shown


def _lives(pid: int) -> bool:
    if sys.platform == "win32":  # signal 0 would end it there; the end of stdin does it alone
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _resident_mb() -> float | None:
    """Memory in use, in MiB, where /proc tells."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
