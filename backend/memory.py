"""How much memory there is, on the machine and on its card. Standard library only."""

import os
import sys
from pathlib import Path


def resident_mb() -> float | None:
    """MiB that this process holds, where /proc tells."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def free_mb() -> float | None:
    """MiB that can still be had where the networks are: on the card if torch has one, else in the machine."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)  # None while torch is being imported
    if cuda is not None and getattr(cuda, "is_initialized", bool)():
        return cuda.mem_get_info()[0] / 2**20
    return machine_free_mb()


def machine_free_mb() -> float | None:
    """MiB of the machine's memory that can be had without swapping, less where a container allows less."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return _windows_free_mb()
    group = Path("/sys/fs/cgroup")
    try:
        allowed = int((group / "memory.max").read_text(encoding="ascii"))
        taken = int((group / "memory.current").read_text(encoding="ascii"))
        stat = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        taken -= int(stat.get("inactive_file", 0))  # of the files read lately, which can be dropped
    except (OSError, ValueError):  # no such group, or "max"
        return found
    return min(found, (allowed - taken) / 2**20)


def _windows_free_mb() -> float | None:
    if sys.platform != "win32":
        return None
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [
            *(("length", ctypes.c_ulong), ("load", ctypes.c_ulong)),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "t", "f", "v", "w", "x")),
        ]

    status = Status(length=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return status.free / 2**20
