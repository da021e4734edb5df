# SPDX-License-Identifier: GPL-3.0-or-later
"""A head's neck and shoulders, an option: vertices after the head's own, which follow it. Numpy alone.

The file is made, and its arrays explained, in `backend/face/shoulders.py`, which does the same in the backend.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Shoulders:
    """What is added to a head: `rest` (B, 3), quads into the head's vertices and then these, and what moves them."""

    rest: NDArray[np.float32]
    quads: NDArray[np.int32]
    uvs: NDArray[np.float32]
    uv_quads: NDArray[np.int32]
    rim: NDArray[np.int32]
    spread: NDArray[np.float32]
    marks: NDArray[np.int32]
    read: NDArray[np.float32]
    write: NDArray[np.float32]

    def worn(
        self, rest: NDArray[np.float32], vertices: NDArray[np.float32], expressions: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(V+B, 3) vertices and (E, V+B, 3) expressions of a face whose mean head is `rest` (V, 3)."""
        moved = vertices - rest
        felt = self.write @ (self.read @ moved[self.marks].reshape(-1))
        below = self.rest + self.spread @ moved[self.rim] + felt.reshape(-1, 3)
        drawn = np.einsum("br,erc->ebc", self.spread, expressions[:, self.rim])
        return np.concatenate([vertices, below]), np.concatenate([expressions, drawn], axis=1)


def read_shoulders(path: Path, topology_id: str) -> Shoulders | None:
    """Those of the file, None where there is none or it is another head's; raises what numpy does of a damaged one."""
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as values:
        if json.loads(str(values["meta"][()]))["topology_id"] != topology_id:
            return None
        whole = {name: values[name].astype(np.int32) for name in ("quads", "uv_quads", "rim", "marks")}
        parts = {name: values[name].astype(np.float32) for name in ("rest", "uvs", "spread", "read", "write")}
    return Shoulders(**whole, **parts)
