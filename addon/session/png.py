# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures as PNG files, by the standard library and numpy."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_GREY, _COLOUR = 0, 2


def encode(picture: NDArray[np.uint8]) -> bytes:
    """A picture (H, W) or (H, W, 3), row 0 on top, lightly compressed: it is made while the user waits."""
    height, width = picture.shape[:2]
    rows = np.concatenate([np.zeros((height, 1), np.uint8), picture.reshape(height, -1)], axis=1)
    kind = _GREY if picture.ndim == 2 else _COLOUR
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows.tobytes(), 1)),
        (b"IEND", b""),
    )
    made = b"\x89PNG\r\n\x1a\n"
    for name, data in chunks:
        made += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return made
