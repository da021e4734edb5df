"""Writes .mat files of version 5 for tests, as MATLAB and scipy do."""

import struct
import zlib

import numpy as np

CLASSES = {"f8": (6, 9), "f4": (7, 7), "i4": (12, 5), "u1": (9, 2), "u2": (11, 4), "i8": (14, 12)}


def mat(arrays: dict[str, np.ndarray], order: str = "<", compress: bool = False, stored: str | None = None) -> bytes:
    """The bytes of a file.

    Args:
        stored: numpy's code of what whole numbers are stored as (MATLAB stores doubles as the smallest that fits).
    """
    mark = b"IM" if order == "<" else b"MI"
    parts = [b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(f"{order}H", 0x0100) + mark]
    for name, array in arrays.items():
        whole = _matrix(name, array, order, stored)
        if compress:
            packed = zlib.compress(whole)
            whole = struct.pack(f"{order}II", 15, len(packed)) + packed
        parts.append(whole)
    return b"".join(parts)


def _element(kind: int, content: bytes, order: str) -> bytes:
    if 0 < len(content) <= 4:
        return struct.pack(f"{order}I", len(content) << 16 | kind) + content.ljust(4, b"\0")
    return struct.pack(f"{order}II", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def _matrix(name: str, array: np.ndarray, order: str, stored: str | None) -> bytes:
    number, kind = CLASSES[array.dtype.str[1:]]
    values = array
    if stored and (array == array.astype(stored)).all():
        values, kind = array.astype(stored), CLASSES[stored][1]
    content = (
        _element(6, struct.pack(f"{order}II", number, 0), order)
        + _element(5, struct.pack(f"{order}{array.ndim}i", *array.shape), order)
        + _element(1, name.encode(), order)
        + _element(kind, values.astype(values.dtype.newbyteorder(order)).tobytes(order="F"), order)
    )
    return _element(14, content, order)
