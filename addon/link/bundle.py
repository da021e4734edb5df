# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the backend is: inside this package once installed, beside it in a checkout.

The only place that knows. What the add-on needs of the backend's code it takes from here.
"""

import importlib.util
import sys
from pathlib import Path

_PACKAGE_ROOT = Path(__file__).resolve().parents[1]
BUNDLED = (_PACKAGE_ROOT / "backend").is_dir()
BACKEND_ROOT = _PACKAGE_ROOT if BUNDLED else _PACKAGE_ROOT.parent
CHECKPOINTS = BACKEND_ROOT / "ckpts"


def _load_beside() -> None:
    """Makes a checkout's `backend` importable, without a change of `sys.path`, where nobody did so before."""
    if importlib.util.find_spec("backend") is None:
        spec = importlib.util.spec_from_file_location("backend", BACKEND_ROOT / "backend" / "__init__.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules["backend"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["backend"])


if BUNDLED:
    from ..backend import (  # pyright: ignore[reportMissingImports]
        checkpoints,
        environment,
        errors,
        files,
        language,
        protocol,
        provenance,
        router,
        settings,
        transfer,
    )
else:
    _load_beside()
    from backend import (
        checkpoints,
        environment,
        errors,
        files,
        language,
        protocol,
        provenance,
        router,
        settings,
        transfer,
    )

__all__ = [
    "BACKEND_ROOT",
    "BUNDLED",
    "CHECKPOINTS",
    "checkpoints",
    "environment",
    "errors",
    "files",
    "language",
    "protocol",
    "provenance",
    "router",
    "settings",
    "transfer",
]
