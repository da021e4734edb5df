"""One job, from its `submit` to its one end: options checked, files verified, steps told, failures named."""

import contextlib
import inspect
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from . import protocol, transfer
from .errors import BackendError, Cancelled, OutOfMemory, UnknownOption, UsageError
from .files import write_whole

Job = Callable[..., Mapping[str, Any]]

PROGRESS_INTERVAL_S = 0.1
PREVIEW_INTERVAL_S = 0.5
FULL = ("MemoryError", "OutOfMemoryError")


@dataclass(frozen=True)
class Service:
    """What is served: the jobs by name, how to tell what is there (imports torch), how to free models.

    Attributes:
        unload: frees models but those named, returns the MiB that are free then.
        limit: sets how many MiB models may take between jobs.
    """

    jobs: Mapping[str, Job]
    describe: Callable[[], protocol.Ready]
    unload: Callable[[tuple[str, ...]], float | None]
    limit: Callable[[int | None], None] = lambda megabytes: None


@dataclass(frozen=True)
class Conversation:
    """Where a job's files are, and who hears of it; `apart`: its files go out in chunks, for no disk is shared."""

    scratch: Path
    send: Callable[[protocol.Event], None]
    apart: bool = False

    def give(self, id: str, *files: protocol.File) -> None:
        """Sends files ahead of the message that names them."""
        for file in files if self.apart else ():
            for piece in transfer.pieces(self.scratch, id, file):
                self.send(piece)


def run(service: Service, submit: protocol.Submit, at: Conversation, cancelled: Callable[[], bool]) -> protocol.End:
    """Runs a job; whatever happens in it becomes its end."""
    started = time.monotonic()
    try:
        if cancelled():
            return protocol.Cancelled(submit.id)
        transfer.verify(at.scratch, submit.id, submit.files)
        outputs = _outputs(service, submit, at, cancelled)
        files = transfer.survey(at.scratch, submit.id)
        made = tuple(file for file in files if file not in submit.files)
        at.give(submit.id, *made)
        seconds = round(time.monotonic() - started, 3)
        result = protocol.Result(submit.id, _relative(outputs, at.scratch), seconds, made)
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


def _outputs(
    service: Service, submit: protocol.Submit, at: Conversation, cancelled: Callable[[], bool]
) -> Mapping[str, Any]:
    """What the job returns; with full memory it is tried once more after all models were freed."""
    job = service.jobs.get(submit.op)
    if job is None:
        raise UsageError(f"no job is called {submit.op!r}", advice=f"there are {', '.join(service.jobs)}")
    wants = {"previews": True} if "previews" in inspect.signature(job).parameters else {}
    values = arguments(job, {**wants, **submit.params}, at.scratch, submit.id)
    reporter = Reporter(submit.id, at, cancelled)
    for last in (False, True):
        try:
            return job(**values, emit=reporter.emit, cancelled=cancelled)
        except Exception as error:
            if not _is_full(error):
                raise
            traceback.print_exc()
            told = str(error).partition("\n")[0]
        if not last:  # out here nothing of the failed attempt is held any more
            service.unload(())
    raise OutOfMemory(
        f"the job needs more memory than is free: {told[:200]}",
        advice="close other programs, or take a smaller texture or fewer views",
    )


class Reporter:
    """A job's `emit`: its events as messages, no more of them a second than an eye can use."""

    def __init__(self, id: str, at: Conversation, cancelled: Callable[[], bool] = lambda: False) -> None:
        self._id, self._at, self._cancelled = id, at, cancelled
        self._last = protocol.Progress(id, "starting", 0, 1)
        self._phase_began = 0.0
        self._next_progress = 0.0
        self._next_preview = 0.0
        self._previews: list[Path] = []

    def emit(self, event: Mapping[str, Any]) -> None:
        """`{"type": "progress", "phase", "step", "total"}`, `{"type": "message", "text"}`, or
        `{"type": "preview", "file", "step"}` of a PNG, which may be overwritten afterwards.

        Raises:
            Cancelled: what a job tells of is a place where it may stop.
        """
        if self._cancelled():
            raise Cancelled(f"stopped in {self._last.phase}")
        now = time.monotonic()
        match event["type"]:
            case "progress":
                phase, step, total = event["phase"], event["step"], event["total"]
                if phase != self._last.phase:
                    self._phase_began, self._next_progress = now, 0.0
                eta = (now - self._phase_began) / step * (total - step) if step else None
                self._last = protocol.Progress(self._id, phase, step, total, eta)
                if now >= self._next_progress or step >= total:
                    self._next_progress = now + PROGRESS_INTERVAL_S
                    self._at.send(self._last)
            case "message":
                self._at.send(replace(self._last, note=event["text"]))
            case "preview" if now >= self._next_preview:
                self._preview(Path(event["file"]), event["step"])
                self._next_preview = time.monotonic() + PREVIEW_INTERVAL_S

    def _preview(self, picture: Path, step: int) -> None:
        """Keeps the picture under a name of its own, and deletes one that nobody reads any more."""
        number = len(self._previews)
        path = self._at.scratch / self._id / f"preview{number}.png"
        try:
            write_whole(path, picture.read_bytes())
            file = transfer.described(self._at.scratch, path)
            self._at.give(self._id, file)
        except (BackendError, OSError):  # a full disk will end the job soon enough, with its own name
            return
        self._previews.append(path)
        self._at.send(protocol.Preview(self._id, file.path, step, file.size, file.sha256))
        for old in self._previews[-3:-2]:
            with contextlib.suppress(OSError):
                old.unlink(missing_ok=True)


def _is_full(error: Exception) -> bool:
    """Whether memory ran out. By name: torch may not be imported here, and for a CPU has no class of its own."""
    return type(error).__name__ in FULL or "can't allocate memory" in str(error)


def arguments(job: Job, params: Mapping[str, Any], scratch: Path, id: str) -> dict[str, Any]:
    """`params` as the job's signature wants them; its paths are inside the job's folder.

    Raises:
        UnknownOption, UsageError, ProtocolError: a name too many, one too few, a wrong type.
        PathRefused: a path leaves the job's folder.
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
            there = None if value is None else protocol.checked(value, str, name)
            values[name] = None if there is None else transfer.inside(scratch, there, id)
        else:
            values[name] = protocol.checked(value, hints[name], name)
    return values


def _relative(outputs: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """What a job returned, absolute paths below the scratch folder written relative to it."""
    shown = {}
    for name, value in outputs.items():
        path = Path(value) if isinstance(value, str | Path) else None
        below = path is not None and path.is_absolute() and path.is_relative_to(scratch)
        shown[name] = path.relative_to(scratch).as_posix() if path and below else value
    return shown
