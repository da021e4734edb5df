"""Whether an environment works: it renders a picture and steps each network, in a process of its own.

Standard library only; what runs there is `backend/selftest.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import InstallFailed, LibraryMissing, rebuild
from .places import ROOT
from .recipe import Recipe
from .runner import Emit, Runner

START = (
    "import runpy, sys; sys.path.insert(0, sys.argv[2]); "
    "runpy.run_module('backend.selftest', run_name='__main__', alter_sys=True)"
)


def try_imports(python: Path, names: Sequence[str], runner: Runner, emit: Emit) -> None:
    """Import all that was installed, once, in one process.

    Raises:
        LibraryMissing, InstallFailed: one does not load; which, and what it said.
    """
    tried: list[str] = []

    def watch(line: str) -> None:
        if line.startswith("importing "):
            tried.append(line.split()[1])
        emit({"type": "progress", "phase": "trying the packages", "step": len(tried), "total": len(names)})

    code = (
        "import importlib, os, sys\n"
        "for name in sys.argv[1:]: print('importing', name, flush=True); importlib.import_module(name)\n"
        "os._exit(0)  # Blender's module may fail in its own clean-up"
    )
    try:
        runner.run([python, "-I", "-u", "-c", code, *names], watch)
    except InstallFailed as error:
        kind = LibraryMissing if "cannot open shared object file" in error.message else InstallFailed
        message = f"{tried[-1] if tried else 'Python'} is installed but does not load.\n{error.message}"
        raise kind(message, advice=error.advice) from None


def selftest(python: Path, recipe: Recipe, home: Path, accelerator: str, runner: Runner, emit: Emit) -> dict[str, Any]:
    """What `backend/selftest.py` measured. The renderer's kernels stay in `home/kernels`, so that no first use waits.

    Raises:
        GpuUnusable: there is a card for the cuda build, and torch cannot see it.
        InstallFailed and what else the test itself names.
    """
    emit({"type": "progress", "phase": "testing", "step": 0, "total": 1})
    answer: list[str] = []

    def watch(line: str) -> None:
        if line.startswith('{"selftest"'):
            answer.append(line)

    settings = {"FACEWRIGHT_KERNELS": str(home / "kernels"), "FACEWRIGHT_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    asking = replace(runner, environ={**runner.environ, "OMP_WAIT_POLICY": "PASSIVE", **settings})
    asking.run([python, "-u", *(recipe.selftest or ("-c", START)), accelerator, str(ROOT)], watch)
    if not answer:
        raise InstallFailed("the self-test ended without an answer", advice=f"{runner.log} holds all it said")
    told = json.loads(answer[-1])["selftest"]
    if "error" in told:
        raise rebuild(told["error"]["code"], told["error"]["message"], told["error"]["advice"])
    emit({"type": "progress", "phase": "testing", "step": 1, "total": 1})
    return told
