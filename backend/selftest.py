"""Tries an environment: imports, one picture, one step of each network, on the card where there is one.

usage: python -m backend.selftest [cpu|cuda]

Prints one line, `{"selftest": {…}}`: versions and milliseconds, or the error. Run by `environment/testing.py`.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from typing import Any

from .errors import BackendError, GpuUnusable


def run(accelerator: str) -> dict[str, Any]:
    """Versions and what each part took.

    Raises:
        GpuUnusable: `accelerator` is cuda, and torch cannot compute on a card.
    """
    began = time.monotonic()
    import torch

    found: dict[str, Any] = {"torch": torch.__version__, "import_ms": _since(began), "device": "cpu"}
    if accelerator == "cuda":
        began = time.monotonic()
        found |= {"device": _compute_on_the_card(), "device_ms": _since(began)}
    from . import jobs

    began = time.monotonic()
    told = jobs.selftest(emit=lambda event: None, cancelled=lambda: False)
    first = {name.replace("_seconds", "_ms"): round(1000 * seconds) for name, seconds in told.items()}
    return {**found, "load_ms": _since(began) - sum(first.values()), **first}


def _compute_on_the_card() -> str:
    import torch

    advice = "update the card's driver, then repair the set-up (doctor --repair, or the add-on's preferences)"
    if not torch.cuda.is_available():
        raise GpuUnusable(f"there is an NVIDIA card, but torch {torch.__version__} cannot see it", advice=advice)
    try:
        ones = torch.ones(64, 64, device="cuda")
        total = float((ones @ ones).sum())
    except RuntimeError as error:
        raise GpuUnusable(f"torch cannot compute on the card: {error}", advice=advice) from error
    if total != 64.0**3:
        raise GpuUnusable(f"the card computes wrongly: {total} for {64.0**3}", advice=advice)
    return torch.cuda.get_device_name(0)


def _since(began: float) -> int:
    return round(1000 * (time.monotonic() - began))


def main(words: list[str]) -> int:
    try:
        with contextlib.redirect_stdout(sys.stderr):
            told = run(words[0] if words else "cpu")
    except BackendError as error:
        told = {"error": {"code": error.code, "message": error.message, "advice": error.advice}}
    sys.stdout.write(json.dumps({"selftest": told}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
