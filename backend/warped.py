"""NVIDIA Warp, started quietly, with its kernels kept where the environment says."""

from __future__ import annotations

import os
from pathlib import Path

import warp as wp


def _start() -> None:
    """`wp.init()`; its native half writes to descriptor 2 that there is no CUDA driver, which is no news either."""
    wp.config.log_level = wp.LOG_WARNING
    if folder := os.environ.get("FACEWRIGHT_KERNELS"):
        wp.config.kernel_cache_dir = str(Path(folder))
    kept, empty = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(empty, 2)
    try:
        wp.init()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(empty)


_start()
