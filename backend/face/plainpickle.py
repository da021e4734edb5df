"""Reads numpy arrays out of Python's pickle files without running anything in them.

A pickle is a program that may call any function. Here its steps are only read (`pickletools`), and a call is
followed where it makes an array; objects of scipy.sparse and chumpy become shells that hold their state. Anything
else is refused by name.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import HeadInvalid

ADVICE = "only numbers are read from such files; save the arrays as .npz"
MARK = object()
ARRAYS = {"numpy.core.multiarray", "numpy._core.multiarray"}
BUFFERS = {"numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"}  # arrays of protocol 5
SHELLS = ("scipy.sparse", "chumpy")


@dataclass
class Shell:
    """Stands for an object: what it is called and the state it was given."""

    name: str
    state: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Name:
    """A function or class that the pickle names."""

    name: str


@dataclass
class _Type:
    """A numpy dtype: its code, and its byte order once the state is known."""

    code: str
    order: str = "|"


@dataclass
class _Array:
    """An array whose values come with its state."""

    values: np.ndarray = field(default_factory=lambda: np.zeros(0))


def read(source: str, content: bytes) -> Any:
    """What was pickled, with arrays as numpy's.

    Args:
        source: the file, for messages.

    Raises:
        HeadInvalid: the pickle is cut off, or names anything but arrays.
    """
    try:
        return _Machine(source).run(content)
    except HeadInvalid:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise HeadInvalid(f"{source} is cut off or no pickle that can be read ({error!r})", advice=ADVICE) from error


class _Machine:
    def __init__(self, source: str):
        self.source = source
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, content: bytes) -> Any:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name in CONSTANTS:
                self.stack.append(CONSTANTS[opcode.name](argument))
            elif opcode.name in STEPS:
                STEPS[opcode.name](self, argument)
            elif opcode.name not in ("PROTO", "FRAME", "STOP"):
                raise self.refused(f"the step {opcode.name}")
        return _settled(self.stack.pop(), {})

    def refused(self, what: str) -> HeadInvalid:
        return HeadInvalid(f"{self.source}: {what} is not admitted", advice=ADVICE)

    def since_mark(self) -> list[Any]:
        place = max(place for place, item in enumerate(self.stack) if item is MARK)
        items = self.stack[place + 1 :]
        del self.stack[place:]
        return items

    def taken(self, count: int) -> list[Any]:
        items = self.stack[-count:]
        del self.stack[-count:]
        return items

    def remember(self, place: int | None) -> None:
        self.memo[len(self.memo) if place is None else place] = self.stack[-1]

    def name(self, dotted: str) -> None:
        module, _, name = dotted.replace(" ", ".").rpartition(".")
        dotted = f"{module}.{name}"
        if dotted not in {*MAKERS, *BUFFERS} and not module.startswith(SHELLS):
            raise self.refused(dotted)
        self.stack.append(_Name(dotted))

    def call(self) -> None:
        made, arguments = self.taken(2)
        if not isinstance(made, _Name):
            raise self.refused("a call of what was made here")
        if made.name in BUFFERS:
            raw, kind, shape, order = arguments
            self.stack.append(_values(self, shape, kind, order == "F", raw))
            return
        maker = MAKERS.get(made.name)
        self.stack.append(maker(*arguments) if maker else Shell(made.name))

    def build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, _Array):
            target.values = _values(self, *state[1:])
        elif isinstance(target, _Type):
            target.order = state[1]
        elif isinstance(target, Shell) and isinstance(state, dict):
            target.state.update(state)
        else:
            raise self.refused(f"a state for {type(target).__name__}")

    def extend(self, items: list[Any]) -> None:
        self.stack[-1].extend(items)

    def update(self, items: list[Any]) -> None:
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))


def _values(machine: _Machine, shape: tuple[int, ...], kind: _Type, by_columns: bool, raw: Any) -> np.ndarray:
    if kind.code[0] not in "fiub" or not isinstance(raw, str | bytes | bytearray):
        raise machine.refused(f"an array of {kind.code}")
    content = raw.encode("latin-1") if isinstance(raw, str) else raw  # Python 2's strings are bytes
    order = kind.order if kind.order in "<>" else "|"
    return np.frombuffer(content, np.dtype(order + kind.code)).reshape(shape, order="F" if by_columns else "C")


def _settled(thing: Any, done: dict[int, Any]) -> Any:
    """The thing with arrays in place of those that waited for their values."""
    if isinstance(thing, _Array):
        return thing.values
    if isinstance(thing, _Name | _Type):
        return None
    if id(thing) in done:
        return done[id(thing)]
    if isinstance(thing, dict):
        done[id(thing)] = out = {}
        out.update({key: _settled(value, done) for key, value in thing.items()})
        return out
    if isinstance(thing, list | tuple):
        done[id(thing)] = out = type(thing)(_settled(value, done) for value in thing)
        return out
    if isinstance(thing, Shell):
        done[id(thing)] = out = Shell(thing.name)
        out.state.update(_settled(thing.state, done))
        return out
    return thing


def _scalar(kind: _Type, raw: str | bytes) -> Any:
    content = raw.encode("latin-1") if isinstance(raw, str) else raw
    return np.frombuffer(content, np.dtype(kind.code)).item()


MAKERS: dict[str, Callable[..., Any]] = {
    **{f"{module}._reconstruct": lambda *_: _Array() for module in ARRAYS},
    **{f"{module}.scalar": _scalar for module in ARRAYS},
    "numpy.ndarray": lambda *_: _Array(),
    "numpy.dtype": lambda code, *_: _Type(code),
    **{f"{module}._reconstructor": lambda made, *_: Shell(made.name) for module in ("copy_reg", "copyreg")},
    **{f"{module}.object": lambda: Shell("object") for module in ("__builtin__", "builtins")},
    **{f"{module}.bytes": lambda: b"" for module in ("__builtin__", "builtins")},  # how Python 3 writes b"" for 2
    "_codecs.encode": lambda text, _: text.encode("latin-1"),
}
CONSTANTS: dict[str, Callable[[Any], Any]] = {
    "MARK": lambda _: MARK,
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "EMPTY_DICT": lambda _: {},
    "EMPTY_LIST": lambda _: [],
    "EMPTY_TUPLE": lambda _: (),
    **dict.fromkeys(
        (
            *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
            *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
            *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
        ),
        lambda value: value,
    ),
}
STEPS: dict[str, Callable[[_Machine, Any], Any]] = {
    "POP": lambda m, _: m.stack.pop(),
    "POP_MARK": lambda m, _: m.since_mark(),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.since_mark())),
    "TUPLE1": lambda m, _: m.stack.append(tuple(m.taken(1))),
    "TUPLE2": lambda m, _: m.stack.append(tuple(m.taken(2))),
    "TUPLE3": lambda m, _: m.stack.append(tuple(m.taken(3))),
    "LIST": lambda m, _: m.stack.append(m.since_mark()),
    "APPEND": lambda m, _: m.extend(m.taken(1)),
    "APPENDS": lambda m, _: m.extend(m.since_mark()),
    "DICT": lambda m, _: (items := m.since_mark(), m.stack.append({}), m.update(items)),
    "SETITEM": lambda m, _: m.update(m.taken(2)),
    "SETITEMS": lambda m, _: m.update(m.since_mark()),
    **{name: lambda m, place: m.remember(place) for name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE")},
    **{name: lambda m, place: m.stack.append(m.memo[place]) for name in ("GET", "BINGET", "LONG_BINGET")},
    "GLOBAL": lambda m, dotted: m.name(dotted),
    "STACK_GLOBAL": lambda m, _: m.name(".".join(m.taken(2))),
    "REDUCE": lambda m, _: m.call(),
    "NEWOBJ": lambda m, _: m.call(),
    "BUILD": lambda m, _: m.build(),
}
