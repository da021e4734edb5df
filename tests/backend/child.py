"""A real serve loop over small jobs: `python -m tests.backend.child`."""

import os
import sys
import time
from pathlib import Path

from backend import protocol
from backend.errors import Cancelled, NotANumber
from backend.serve import Server, take_standard_streams
from backend.service import Service


def count(total: int, emit, cancelled, pause: float = 0.01) -> dict:
    """Counts, telling of each step."""
    for step in range(total):
        if cancelled():
            raise Cancelled("the count was stopped")
        emit({"type": "progress", "phase": "counting", "step": step + 1, "total": total})
        time.sleep(pause)
    return {"counted": total}


def write(out: Path, text: str, emit, cancelled) -> dict:
    """Writes a file, and noise on stdout from Python and from below it."""
    sys.stdout.write("noise from Python\n")
    sys.stdout.flush()
    os.write(1, b"noise from C\n")
    out.write_text(text, encoding="utf-8")
    return {"file": str(out)}


def fail(how: str, emit, cancelled) -> dict:
    """Fails as a user can mend, or as only we can."""
    if how == "named":
        raise NotANumber("step 7 gave NaN", advice="lower the learning rate")
    raise ZeroDivisionError("a bug")


def picture(place: Path, emit, cancelled, count: int = 20, previews: bool = False) -> dict:
    """Offers a preview every 50 ms, where they are wanted."""
    for step in range(count if previews else 0):
        place.write_bytes(b"picture %d" % step)
        emit({"type": "preview", "file": str(place), "step": step})
        time.sleep(0.05)
    emit({"type": "message", "text": "that was it"})
    return {}


def greedy(emit, cancelled) -> dict:
    """Needs more memory than there is as long as models are kept."""
    if kept:
        raise MemoryError("no room for 7 GiB")
    return {}


kept = ["a model"]


def unload(keep: tuple[str, ...]) -> float | None:
    kept.clear()
    return 123.0


def describe() -> protocol.Ready:
    return protocol.Ready(torch="none", capabilities=tuple(JOBS))


JOBS = {"count": count, "write": write, "fail": fail, "picture": picture, "greedy": greedy}

if __name__ == "__main__":
    parent = int(sys.argv[1]) if len(sys.argv) > 1 else None
    streams = take_standard_streams()
    Server(Service(JOBS, describe, unload), *streams, parent).run()
