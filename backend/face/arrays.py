"""Checks of what files hand in: each array's shape and values, with the file, what was found and what was expected."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from ..errors import HeadInvalid

DAMAGED = (  # what numpy and zipfile raise on an archive with wrong bytes
    *(OSError, ValueError, KeyError, EOFError, NotImplementedError, RuntimeError, OverflowError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)

Shape = tuple[int | str, ...]


def take(source: str, arrays: Mapping[str, np.ndarray], wanted: Mapping[str, Shape], advice: str) -> list[np.ndarray]:
    """The wanted arrays, in order.

    Args:
        source: the file, for messages.
        wanted: a size each axis; the same letter means the same size, a letter after a digit a multiple ("3V").

    Raises:
        HeadInvalid: arrays that are missing, of another shape, no numbers, or not finite.
    """
    if missing := [name for name in wanted if name not in arrays]:
        found = ", ".join(arrays) or "nothing"
        raise HeadInvalid(f"{source} lacks {', '.join(missing)}; it has {found}", advice=advice)
    sizes: dict[str, int] = {}
    for name, shape in wanted.items():
        array = arrays[name]
        if array.dtype.kind not in "fiu":
            raise HeadInvalid(f"{source}: {name} holds {array.dtype}, expected numbers", advice=advice)
        if len(array.shape) != len(shape) or not all(map(_fits, array.shape, shape, [sizes] * len(shape))):
            expected = " × ".join(_spelt(axis, sizes) for axis in shape)
            found = " × ".join(map(str, array.shape))
            raise HeadInvalid(f"{source}: {name} is {found}, expected {expected}", advice=advice)
        if not np.isfinite(array).all():
            count = int((~np.isfinite(array)).sum())
            raise HeadInvalid(f"{source}: {count} values of {name} are no numbers", advice=advice)
    return [arrays[name] for name in wanted]


def indices(source: str, name: str, array: np.ndarray, count: int, advice: str) -> np.ndarray:
    """The array as int32 indices.

    Raises:
        HeadInvalid: a value that is no whole number from 0 to count - 1.
    """
    low, high = (array.min(), array.max()) if array.size else (0, 0)
    if low < 0 or high >= count or (array != np.floor(array)).any():
        raise HeadInvalid(f"{source}: {name} runs from {low} to {high}, expected 0 to {count - 1}", advice=advice)
    return array.astype(np.int32)


def _fits(size: int, axis: int | str, sizes: dict[str, int]) -> bool:
    if isinstance(axis, int):
        return size == axis
    times, letter = int(axis[:-1] or 1), axis[-1]
    return size % times == 0 and sizes.setdefault(letter, size // times) == size // times


def _spelt(axis: int | str, sizes: dict[str, int]) -> str:
    if isinstance(axis, int) or axis[-1] not in sizes:
        return str(axis)
    return str(int(axis[:-1] or 1) * sizes[axis[-1]])
