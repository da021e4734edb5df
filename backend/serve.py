"""The loop behind `serve`: requests in on stdin, events out on what was stdout.

Jobs run one at a time on the main thread; a reader thread takes requests, so that a cancel is seen at the job's next
step, and another beats every second. The end of stdin means that the client is gone: the job is stopped and the
process ends.
"""

import contextlib
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from . import __version__, memory, protocol, transfer
from .errors import BackendError, LineTooLong, ProtocolError, QueueFull
from .files import refusal
from .service import Conversation, Service, run

HEARTBEAT_S = 1.0
GRACE_S = 1.5  # how long a job may take to notice that the client is gone
WAITING = 64  # jobs; the client has the real queue
REMEMBERED = 4096  # ids that may not be used again


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
    """One conversation. `run` returns when it is over.

    Args:
        parent_pid: when that process has ended this one ends.
        folder: where a scratch folder is made for a client that shares no disk; the system's by default.
        leave: called where the client is gone and the job does not notice within GRACE_S.
    """

    def __init__(
        self,
        service: Service,
        requests: BinaryIO,
        events: BinaryIO,
        parent_pid: int | None = None,
        folder: Path | None = None,
        leave: Callable[[], None] = lambda: os._exit(0),
    ):
        self._service = service
        self._requests, self._events = requests, events
        self._parent_pid, self._folder, self._leave = parent_pid, folder, leave
        self._started = time.monotonic()
        self._sending = threading.Lock()
        self._news = threading.Condition()  # holds all below
        self._waiting: deque[protocol.Submit | protocol.Unload] = deque()
        self._running: str | None = None
        self._cancelled = False  # the running job
        self._seen: dict[str, None] = {}
        self._at: Conversation | None = None
        self._receiver: transfer.Receiver | None = None
        self._refusal: BackendError = ProtocolError("a job comes before hello")
        self._idle_s = protocol.IDLE_S
        self._warm = False  # models may be loaded
        self._own: Path | None = None  # the scratch folder that we made
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
            self._refuse_all(error)
            return
        while (request := self._next()) is not None:
            if isinstance(request, protocol.Unload):
                self._warm = False
                self._send(protocol.Unloaded(self._service.unload(request.keep)))
            else:
                self._warm = True
                self._run(request)
        self._send(protocol.Bye())
        self._sweep()

    def _next(self) -> protocol.Submit | protocol.Unload | None:
        """The next request; None when it is time to go. Where nothing comes for long, models are freed."""
        with self._news:
            self._state, self._running, self._cancelled = "idle", None, False
            while not self._waiting and not self._closing.is_set():
                patience = self._idle_s if self._warm and self._idle_s > 0 else None
                if not self._news.wait(patience):
                    return protocol.Unload()
            if not self._waiting:
                return None
            request = self._waiting.popleft()
            if isinstance(request, protocol.Submit):
                self._state, self._running = "running", request.id
            return request

    def _run(self, submit: protocol.Submit) -> None:
        assert self._at is not None
        assert self._receiver is not None
        try:
            self._receiver.check(submit.id)
            end = run(self._service, submit, self._at, lambda: self._cancelled or self._closing.is_set())
        except BackendError as error:
            end = protocol.Error.of(submit.id, error)
        self._send(end)
        if self._at.apart:
            shutil.rmtree(self._at.scratch / submit.id, ignore_errors=True)

    def _send(self, event: protocol.Event) -> None:
        line = protocol.encode(event)
        with self._sending, contextlib.suppress(OSError, ValueError):  # nobody listens: the end of stdin says so too
            self._events.write(line)
            self._events.flush()

    def _beat(self) -> None:
        while not self._closing.wait(HEARTBEAT_S):
            age = time.monotonic() - self._started
            self._send(protocol.Heartbeat(age, self._state, memory.resident_mb(), memory.free_mb()))
            if self._parent_pid is not None and not _lives(self._parent_pid):
                self._close(leave=True)

    def _read(self) -> None:
        with contextlib.suppress(OSError), self._requests:
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
                self._greet(request)
            case protocol.Submit():
                self._submit(request)
            case protocol.Chunk():
                if self._receiver is None or not self._own:
                    raise ProtocolError("chunks come only where hello names no scratch folder")
                self._receiver.take(request)
            case protocol.Cancel():
                self._cancel(request.id)
            case protocol.Unload():
                with self._news:
                    if request not in self._waiting:
                        self._waiting.append(request)
                    self._news.notify()
            case protocol.Shutdown():
                self._close(leave=False)

    def _greet(self, hello: protocol.ClientHello) -> None:
        if self._at is not None:
            raise ProtocolError("hello was said before")
        try:
            protocol.check_version(hello.protocol)
            scratch = Path(hello.scratch).resolve() if hello.scratch else self._own_scratch()
            if hello.scratch and not Path(hello.scratch).is_absolute():
                raise ProtocolError(f"the scratch folder {hello.scratch[:80]!r} is no absolute path")
        except (BackendError, ValueError) as error:
            self._refusal = error if isinstance(error, BackendError) else ProtocolError("the scratch folder is no path")
            raise self._refusal from None
        self._service.limit(hello.memory_mb)
        self._idle_s = hello.idle_s
        self._receiver = transfer.Receiver(scratch)
        self._at = Conversation(scratch, self._send, apart=not hello.scratch)

    def _submit(self, submit: protocol.Submit) -> None:
        if not transfer.ID.fullmatch(submit.id) or submit.id in self._seen:
            raise ProtocolError(f"{submit.id[:80]!r} is no id of a job, or was used before")
        self._seen[submit.id] = None
        while len(self._seen) > REMEMBERED:
            self._seen.pop(next(iter(self._seen)))
        with self._news:
            position = len(self._waiting) + (self._running is not None)
            full = position >= WAITING
        if self._at is None or full:
            error = QueueFull(f"{WAITING} jobs wait already", advice="wait for one to end") if full else self._refusal
            self._send(protocol.Error.of(submit.id, error))
            return
        self._send(protocol.Accepted(submit.id, position))  # before it can start
        with self._news:
            late = self._closing.is_set()
            if not late:
                self._waiting.append(submit)
            self._news.notify()
        if late:
            self._send(protocol.Cancelled(submit.id))

    def _cancel(self, id: str) -> None:
        """A waiting job ends at once, the running one at its next step; all others have ended or never were."""
        with self._news:
            if id == self._running:
                self._cancelled = True
                return
            kept = [one for one in self._waiting if not (isinstance(one, protocol.Submit) and one.id == id)]
            found = len(kept) < len(self._waiting)
            self._waiting = deque(kept)
        if found:
            self._send(protocol.Cancelled(id))

    def _close(self, *, leave: bool) -> None:
        """Stop all jobs and end; with `leave`, without waiting longer than GRACE_S for the running one."""
        self._closing.set()
        if leave:
            timer = threading.Timer(GRACE_S, self._gone)
            timer.daemon = True
            timer.start()
        with self._news:  # until all is said: `run` may end the process as soon as nothing waits
            for one in self._waiting:
                if isinstance(one, protocol.Submit):
                    self._send(protocol.Cancelled(one.id))
            self._waiting.clear()
            self._news.notify()

    def _gone(self) -> None:
        self._sweep()
        self._leave()

    def _refuse_all(self, error: BackendError) -> None:
        """Ends all jobs, those to come too, where the backend cannot run any."""
        self._send(protocol.Error.of("", error))
        with self._news:
            self._closing.set()
            waiting, self._waiting = self._waiting, deque()
        for one in waiting:
            if isinstance(one, protocol.Submit):
                self._send(protocol.Error.of(one.id, error))

    def _own_scratch(self) -> Path:
        """A new folder for a client that shares no disk; those of processes that were killed are removed."""
        folder = self._folder or Path(tempfile.gettempdir())
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob("remote-*-*"):
                pid = old.name.split("-")[1]
                if pid.isdigit() and not _lives(int(pid)):
                    shutil.rmtree(old, ignore_errors=True)
            self._own = Path(tempfile.mkdtemp(prefix=f"remote-{os.getpid()}-", dir=folder)).resolve()
        except OSError as error:
            raise refusal(folder, error) from error
        return self._own

    def _sweep(self) -> None:
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)


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
