"""What the add-on and the backend say to each other: one JSON object a line, tagged with `type`.

Standard library only: Blender's Python imports this file. Arrays and pictures are files in the job's folder, which
is named by its id and lies in the scratch folder; all paths are relative to the scratch folder, with `/`. Where the
two sides share no disk the files travel before the message that names them, in chunks. `hello ready heartbeat unload
unloaded shutdown bye` carry no id, all others the job's; every job ends in exactly one of result, error, cancelled.
Unknown fields are ignored, so that a newer minor version may add some.
"""

import json
import types
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from .errors import BackendError, LineTooLong, ProtocolError, UnknownType, VersionMismatch

VERSION = (1, 1)  # major: both sides must agree; minor: what is missing is absent
LINE_LIMIT = 1 << 20  # bytes, the newline included
TEXT_LIMIT = 10_000  # characters of an error's message, that it may always be sent
IDLE_S = 600.0  # without a job, until the backend frees its models


@dataclass(frozen=True)
class File:
    """A file of a job: its path, its bytes, and their sha256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Chunk:
    """A piece of a file for a side that does not share our disk: base64 of `data`, in order; `last` ends the file."""

    type: ClassVar[str] = "chunk"
    id: str
    path: str
    data: str
    last: bool = False


# What the client says.


@dataclass(frozen=True)
class ClientHello:
    """The first line.

    Attributes:
        scratch: the folder that all paths of this conversation are relative to; where it is empty the backend makes
            one of its own, and files travel in chunks.
        idle_s: seconds without a job after which models are freed; 0 keeps them.
        memory_mb: how much the models kept between jobs may take; None leaves it to the backend.
    """

    type: ClassVar[str] = "hello"
    addon_version: str
    scratch: str
    protocol: tuple[int, int] = VERSION
    blender: str = ""
    locale: str = ""
    idle_s: float = IDLE_S
    memory_mb: int | None = None


@dataclass(frozen=True)
class Submit:
    """Run job `op` with `params`; ids are never used twice. `files` are what lies in the job's folder by now."""

    type: ClassVar[str] = "submit"
    id: str
    op: str
    params: dict[str, Any] = field(default_factory=dict)
    files: tuple[File, ...] = ()


@dataclass(frozen=True)
class Cancel:
    """Stop job `id` at its next step; a job that has ended, or never was, is left alone."""

    type: ClassVar[str] = "cancel"
    id: str


@dataclass(frozen=True)
class Unload:
    """Free what no job needs, but for the models named in `keep`."""

    type: ClassVar[str] = "unload"
    keep: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shutdown:
    type: ClassVar[str] = "shutdown"


# What the backend says.


@dataclass(frozen=True)
class BackendHello:
    """Sent before anything heavy is imported."""

    type: ClassVar[str] = "hello"
    backend_version: str
    pid: int
    python: str
    protocol: tuple[int, int] = VERSION


@dataclass(frozen=True)
class Ready:
    """Jobs may come. A device is {"name", "total_mb", "free_mb"} in MiB, a checkpoint {"id", "state"}."""

    type: ClassVar[str] = "ready"
    torch: str
    devices: tuple[dict[str, Any], ...] = ()
    capabilities: tuple[str, ...] = ()
    checkpoints: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Heartbeat:
    """Every second from a thread of its own. `time` in seconds since start; memory in MiB."""

    type: ClassVar[str] = "heartbeat"
    time: float
    state: str
    rss_mb: float | None = None
    free_mb: float | None = None


@dataclass(frozen=True)
class Accepted:
    type: ClassVar[str] = "accepted"
    id: str
    queue_position: int = 0


@dataclass(frozen=True)
class Progress:
    """Step `step` of `total` in `phase`; `eta_s` in seconds; `note` is something to know, such as the memory plan."""

    type: ClassVar[str] = "progress"
    id: str
    phase: str
    step: int
    total: int
    eta_s: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Preview:
    """How far the face is: a PNG, at most twice a second. The next one has another name; old ones are deleted."""

    type: ClassVar[str] = "preview"
    id: str
    file: str
    step: int = 0
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Result:
    """The job's end. `outputs` is what the job returned, `files` all that it left in its folder."""

    type: ClassVar[str] = "result"
    id: str
    outputs: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    files: tuple[File, ...] = ()


@dataclass(frozen=True)
class Error:
    """A failed job, or with an empty id a line that could not be understood; `code` is of `errors.TABLE`."""

    type: ClassVar[str] = "error"
    id: str
    code: int
    title: str
    message: str
    advice: str = ""
    fix: str | None = None

    @classmethod
    def of(cls, id: str, error: BackendError) -> "Error":
        """The message that tells of `error`."""
        return cls(id, error.code, error.title, error.message[:TEXT_LIMIT], error.advice[:TEXT_LIMIT], error.fix)


@dataclass(frozen=True)
class Cancelled:
    type: ClassVar[str] = "cancelled"
    id: str


@dataclass(frozen=True)
class Unloaded:
    """Models were freed, asked for or because nothing came for long; `free_mb` MiB are free on the device."""

    type: ClassVar[str] = "unloaded"
    free_mb: float | None = None


@dataclass(frozen=True)
class Bye:
    type: ClassVar[str] = "bye"


Request = ClientHello | Submit | Cancel | Unload | Shutdown | Chunk
End = Result | Error | Cancelled
Event = BackendHello | Ready | Heartbeat | Accepted | Progress | Preview | Chunk | Unloaded | Bye | End


def encode(message: Request | Event) -> bytes:
    """One line, newline included.

    Raises:
        LineTooLong: more than LINE_LIMIT bytes; such things belong in files.
        ProtocolError: a value JSON does not know, such as NaN.
    """
    values = {"type": message.type, "v": VERSION[0], **asdict(message)}
    try:
        line = json.dumps(values, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"{message.type} cannot be sent as JSON: {error}") from None
    if len(line) > LINE_LIMIT:
        raise LineTooLong(f"{message.type} takes {len(line)} bytes, {LINE_LIMIT} are allowed")
    return line


def decode_request(line: bytes) -> Request:
    """What the client said; see `_decode` for the errors."""
    return _decode(line, _REQUESTS)


def decode_event(line: bytes) -> Event:
    """What the backend said; see `_decode` for the errors."""
    return _decode(line, _EVENTS)


def check_version(theirs: tuple[int, int]) -> None:
    """Raises VersionMismatch unless the other side speaks our major version."""
    if theirs[0] != VERSION[0]:
        raise VersionMismatch(
            f"the other side speaks protocol {theirs[0]}.{theirs[1]}, this one {VERSION[0]}.{VERSION[1]}",
            advice="update the add-on and the backend to the same version",
        )


def _decode(line: bytes, kinds: dict[str, type]) -> Any:
    """Raises LineTooLong, UnknownType, or ProtocolError for anything else that is not a message."""
    if len(line) > LINE_LIMIT:
        raise LineTooLong(f"a line of {len(line)} bytes, {LINE_LIMIT} are allowed")
    try:
        values = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ProtocolError(f"not JSON: {line[:80]!r}") from None
    if not isinstance(values, dict) or not isinstance(values.get("type"), str):
        raise ProtocolError(f"not an object with a type: {line[:80]!r}")
    kind = kinds.get(values["type"])
    if kind is None:
        raise UnknownType(
            f"no message is called {values['type'][:40]!r}",
            advice="the other side may be newer: update this one",
        )
    try:
        return _built(kind, values, kind.type)
    except RecursionError:  # such as in telling what is wrong with a value of a thousand brackets
        raise ProtocolError(f"{kind.type} is nested too deeply") from None


def _built(kind: type, values: dict[str, Any], where: str) -> Any:
    hints = _hints(kind)
    found = {name: checked(values[name], hint, f"{where}.{name}") for name, hint in hints.items() if name in values}
    missing = [one.name for one in fields(kind) if _required(one) and one.name not in found]
    if missing:
        raise ProtocolError(f"{where} needs {', '.join(missing)}")
    return kind(**found)


@cache
def _hints(kind: type) -> dict[str, Any]:
    known = get_type_hints(kind)
    return {one.name: known[one.name] for one in fields(kind)}


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _required(one: Any) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def checked(value: Any, hint: Any, where: str) -> Any:
    """`value` from JSON as `hint` wants it: lists become tuples, whole numbers floats, keys of numbers ints.

    Raises:
        ProtocolError: it cannot be that.
    """
    origin = get_origin(hint) or hint
    kinds = get_args(hint)
    if hint is Any or (origin is Literal and value in kinds):
        return value
    if origin in (Union, types.UnionType):
        return None if value is None else checked(value, kinds[0], where)
    if origin is tuple and isinstance(value, list):
        if kinds[-1] is Ellipsis:
            return tuple(checked(one, kinds[0], where) for one in value)
        if len(kinds) == len(value):
            return tuple(checked(one, kind, where) for one, kind in zip(value, kinds, strict=True))
    elif is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return _built(hint, value, where)
    elif origin is dict and isinstance(value, dict):
        return {_key(key, kinds[0], where): checked(one, kinds[1], where) for key, one in value.items()}
    elif origin is float and isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(value, where)
    elif origin in (bool, int, str) and type(value) is origin:
        return value
    raise ProtocolError(f"{where} is {str(value)[:40]!r}, it should be {hint}")


def _key(text: str, kind: type, where: str) -> str | int:
    try:
        return kind(text)
    except ValueError:
        raise ProtocolError(f"{where} has the key {text[:40]!r}, it should be {kind.__name__}") from None


def _finite(value: int | float, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if number in (float("inf"), float("-inf")):
        raise ProtocolError(f"{where} is too large")
    return number


_REQUESTS = {kind.type: kind for kind in get_args(Request)}
_EVENTS = {kind.type: kind for kind in get_args(Event)}
