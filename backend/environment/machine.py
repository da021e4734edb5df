"""What machine this is: graphics cards and their driver, memory, disk. Standard library only."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .recipe import Recipe
from .runner import HIDDEN

PATIENCE_S = 10.0


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA card as its driver tells it; `compute` is the capability, such as 8.9."""

    name: str
    memory_mb: int
    driver: str
    compute: float


def gpus() -> list[Gpu]:
    """The NVIDIA cards of which `nvidia-smi` knows; none where it is missing or fails."""
    tool = shutil.which("nvidia-smi") or _beside_the_driver()
    if tool is None:
        return []
    asked = [tool, "--query-gpu=name,memory.total,driver_version,compute_cap", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE_S, creationflags=HIDDEN)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return read_gpus(said.stdout) if said.returncode == 0 else []


def read_gpus(said: str) -> list[Gpu]:
    """The cards in the answer of `nvidia-smi --query-gpu`; lines of another form are passed over."""
    found = []
    for line in said.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        try:
            name, memory, driver, compute = cells
            found.append(Gpu(name, int(float(memory)), driver, float(compute)))
        except ValueError:
            continue
    return found


def fault_of(gpu: Gpu, recipe: Recipe) -> str:
    """Why the cuda build of torch would not run on a card; "" if it would."""
    release = gpu.driver.split(".")[0]
    if not release.isdigit() or int(release) < recipe.driver:
        return f"{gpu.name} has driver {gpu.driver}, {recipe.driver} or newer is wanted"
    if gpu.compute < recipe.compute:
        return f"{gpu.name} is of capability {gpu.compute}, {recipe.compute} or newer is wanted"
    return ""


def accelerator(recipe: Recipe, cards: list[Gpu]) -> str:
    """The build of torch for this machine: cuda if a card can be used, else cpu."""
    return "cuda" if any(not fault_of(card, recipe) for card in cards) else "cpu"


def memory_gb() -> float | None:
    """Physical memory; None where the system does not say."""
    if sys.platform == "win32":
        return _windows_memory_gb()
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (AttributeError, OSError, ValueError):
        return None


def disk_free_mb(place: Path) -> int:
    """Free space on the disk that holds, or will hold, a folder."""
    return shutil.disk_usage(existing(place)).free >> 20


def existing(place: Path) -> Path:
    """The nearest folder above that is there."""
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def _beside_the_driver() -> str | None:
    """Where Windows' driver puts its tool when it is not on the PATH."""
    place = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "nvidia-smi.exe"
    return str(place) if os.name == "nt" and place.is_file() else None


def _windows_memory_gb() -> float | None:
    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((f"n{i}", ctypes.c_ulonglong) for i in range(7)),
        ]

    status = Status()
    status.length = ctypes.sizeof(status)
    windll = getattr(ctypes, "windll", None)
    if windll is None or not windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return round(status.n0 / 2**30, 1)
