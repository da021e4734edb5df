"""One report of what is there and what is missing; names no private path."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from . import __version__, checkpoints, environment
from .errors import CheckpointInvalid, CheckpointMissing

PACKAGES = ("torch", "diffusers", "transformers", "warp-lang", "numpy", "bpy")


def report(home: Path, environ: Mapping[str, str]) -> dict[str, object]:
    """Versions, machine, environment, checkpoints: plain values in the order they are shown."""
    recipe = environment.read_recipe()
    ready = [name for name, profile in recipe.profiles.items() if environment.find(home, profile)]
    lines: dict[str, object] = {
        "facewright": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory GB": _memory_gb(),
        "disk free GB": round(shutil.disk_usage(_existing(home)).free / 2**30, 1),
        "NVIDIA GPU": "yes" if environment.has_nvidia_gpu() else "no",
        "environment": ", ".join(ready) or "not made yet; the first command makes it",
    }
    borrowed = environ.get("FACEWRIGHT_ENV")
    if borrowed or ready:
        root = Path(borrowed) if borrowed else home / "env"
        lines["environment"] = "the user's own" if borrowed else lines["environment"]
        lines |= _versions(environment.python_of(root))
    lines["checkpoints"] = ", ".join(_checkpoints())
    return lines


def _checkpoints() -> list[str]:
    """Names of those that are there, with what is wrong."""
    try:
        states = {row["name"]: row["state"] for row in checkpoints.rows()}
    except (CheckpointMissing, CheckpointInvalid) as error:
        return [f"unknown: {error.title}"]
    wrong = {"damaged": " (damaged)", "partial": " (not whole yet)"}
    return [name + wrong.get(state, "") for name, state in states.items() if state != "absent"]


def _versions(python: Path) -> dict[str, object]:
    code = (
        "import importlib.metadata as m, json, sys\n"
        "there = {d.metadata['Name']: d.version for d in m.distributions()}\n"
        "print(json.dumps({name: there.get(name, 'missing') for name in sys.argv[1:]}))"
    )
    asked = subprocess.run([python, "-I", "-c", code, *PACKAGES], capture_output=True, text=True)
    return json.loads(asked.stdout) if asked.returncode == 0 else {"packages": "the environment does not start"}


def _memory_gb() -> float | str:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (AttributeError, OSError, ValueError):
        return "unknown"


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
