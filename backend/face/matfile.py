"""Reads numeric arrays out of MATLAB's .mat files of version 5, as 3DMMs are published in.

scipy.io reads them too, but would be a run dependency of 40 MB for this alone.
Source: MathWorks, MAT-File Format, chapter 1.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import HeadInvalid

ADVICE = "fetch the file again: it may have been cut off on its way"
HEADER = 128
MATRIX, COMPRESSED = 14, 15
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
COMPLEX = 0x0800


@dataclass(frozen=True)
class _Element:
    kind: int
    content: memoryview


def read(name: str, content: bytes) -> dict[str, np.ndarray]:
    """All real numeric matrices of a file, by their names; what is of other kinds is left out.

    Args:
        name: the file's, for messages.

    Raises:
        HeadInvalid: another format, or cut off.
    """
    if content[:10] == b"MATLAB 7.3" or content[:8] == b"\x89HDF\r\n\x1a\n":
        raise HeadInvalid(f"{name} is a .mat file of version 7.3", advice="save it again in MATLAB with -v7")
    if len(content) < HEADER or content[126:128] not in (b"IM", b"MI"):
        raise HeadInvalid(f"{name} is no .mat file of version 5", advice=ADVICE)
    order = "<" if content[126:128] == b"IM" else ">"
    arrays: dict[str, np.ndarray] = {}
    try:
        for element in _elements(memoryview(content)[HEADER:], order):
            if element.kind == COMPRESSED:
                element = next(_elements(memoryview(zlib.decompress(element.content)), order))
            if element.kind == MATRIX:
                arrays.update(_matrix(element.content, order))
    except (ValueError, StopIteration, IndexError, struct.error, zlib.error) as error:
        found = ", ".join(arrays) or "nothing"
        raise HeadInvalid(f"{name} is cut off or damaged ({error}); it gave {found}", advice=ADVICE) from error
    return arrays


def _elements(content: memoryview, order: str) -> Iterator[_Element]:
    place = 0
    while place < len(content):
        kind, size = struct.unpack_from(f"{order}II", content, place)
        if kind >> 16:  # four bytes or fewer lie in the tag itself
            kind, size = kind & 0xFFFF, kind >> 16
            start, end = place + 4, place + 8
        else:
            start = place + 8
            end = start + size + (0 if kind == COMPRESSED else -size % 8)
        if start + size > len(content):
            raise ValueError(f"an element of {size} bytes where {len(content) - start} are left")
        yield _Element(kind, content[start : start + size])
        place = end


def _matrix(content: memoryview, order: str) -> dict[str, np.ndarray]:
    parts = _elements(content, order)
    (flags, _), shape = struct.unpack(f"{order}II", next(parts).content), next(parts).content
    name = bytes(next(parts).content).decode("ascii")
    if flags & 0xFF not in CLASSES or flags & COMPLEX:
        return {}
    size = struct.unpack(f"{order}{len(shape) // 4}i", shape)
    data = next(parts)
    if data.kind not in TYPES:
        raise ValueError(f"{name} is stored as type {data.kind}")
    values = np.frombuffer(data.content, np.dtype(order + TYPES[data.kind]))
    return {name: values.reshape(size, order="F").astype(CLASSES[flags & 0xFF])}
