"""The job of those who show heads without a backend, such as Blender. Nothing heavy is imported before it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .files import vacant


def head(
    *,
    head: str,
    out: Path,
    emit: Callable[[dict[str, Any]], None],
    cancelled: Callable[[], bool],
    base: Path | None = None,
) -> dict[str, Any]:
    """A head model as one file, which shows it at rest in its first texture, its expressions and sliders.

    Raises:
        HeadMissing, HeadInvalid: `head`, a name or path.
        FolderExists, FolderUnwritable: see `out`.
    """
    from .face import headfile
    from .face.saved import png
    from .workshop import open_workshop

    vacant(out)
    emit({"type": "progress", "phase": "reading the head", "step": 0, "total": 1})
    shop = open_workshop(head, base)
    headfile.write(out, headfile.arrays_of(shop.model, shop.slider_names(), png(shop.albedo)))
    return {"head": str(out), "name": shop.model.topology.head}
