"""How fast the service answers: from starting it to hello and ready, from a cancel to its end in every phase.

A real `serve` process is spoken to over its pipes, as the add-on does.
"""

from __future__ import annotations

import os
import queue
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import protocol
from ..errors import BackendCrashed

ROOT = Path(__file__).parents[2]
STARTS = 3
PROMPT, INSTRUCTION = "an old man with a big nose", "make his lips red"
SHORT = {"geometry.steps": 2, "texture.steps": 2}
LONG = 100_000  # steps
PATIENCE_S = 300.0
ENDS = (protocol.Result, protocol.Error, protocol.Cancelled)

Emit = Callable[[dict[str, Any]], None]


class Service:
    """A running `serve`, and what it has said: (seconds since it was started, event)."""

    def __init__(self, scratch: Path) -> None:
        self.began = time.monotonic()
        self._child = subprocess.Popen(
            [sys.executable, "-s", "-u", "-m", "backend", "serve", "--parent-pid", str(os.getpid())],
            cwd=ROOT,
            env={**os.environ, "FACEWRIGHT_ENV": sys.prefix},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._heard: queue.SimpleQueue[tuple[float, protocol.Event | None]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.say(protocol.ClientHello("bench", str(scratch)))

    def say(self, message: protocol.Request) -> float:
        """Seconds since the start."""
        assert self._child.stdin is not None
        self._child.stdin.write(protocol.encode(message))
        self._child.stdin.flush()
        return time.monotonic() - self.began

    def hear(self, *kinds: type) -> tuple[float, Any]:
        """The next event of these kinds and when it came. Raises BackendCrashed where none will come."""
        while True:
            try:
                when, event = self._heard.get(timeout=PATIENCE_S)
            except queue.Empty:
                raise BackendCrashed(f"the service said nothing for {PATIENCE_S:.0f} s") from None
            if event is None:
                raise BackendCrashed("the service ended while it was measured")
            if isinstance(event, kinds):
                return when, event

    def close(self) -> float:
        """Ends its stdin; the seconds it took to leave."""
        assert self._child.stdin is not None
        began = time.monotonic()
        self._child.stdin.close()
        self._child.wait(PATIENCE_S)
        return time.monotonic() - began

    def _listen(self) -> None:
        assert self._child.stdout is not None
        with self._child.stdout as pipe:
            for line in pipe:
                self._heard.put((time.monotonic() - self.began, protocol.decode_event(line)))
        self._heard.put((0.0, None))


@contextmanager
def serving(scratch: Path) -> Iterator[Service]:
    service = Service(scratch)
    try:
        yield service
    finally:
        service.close()


def measure(emit: Emit) -> dict[str, Any]:
    """`service.*`: seconds; `service.cancel` has one row a phase."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder).resolve()
        starts = []
        for number in range(STARTS):
            emit({"type": "progress", "phase": "service", "step": number, "total": STARTS + 2})
            with serving(scratch) as service:
                starts.append((service.hear(protocol.BackendHello)[0], service.hear(protocol.Ready)[0]))
        emit({"type": "progress", "phase": "service", "step": STARTS, "total": STARTS + 2})
        rows, left = cancels(scratch)
    hello, ready = (statistics.median(one) for one in zip(*starts, strict=True))
    return {
        "service.hello_seconds": round(hello, 3),
        "service.ready_seconds": round(ready, 3),
        "service.cancel_seconds_max": max(rows.values()),
        "service.leave_seconds": round(left, 3),
        "service.cancel": rows,
    }


def cancels(scratch: Path) -> tuple[dict[str, float], float]:
    """Seconds from cancel to end by phase, of jobs that would take hours; and from the end of stdin to the exit."""
    rows = {}
    service = Service(scratch)
    try:
        _submit(service, scratch, "waiting", "generate", {"prompt": PROMPT})
        rows["generate before ready"] = _cancel(service, "waiting")
        service.hear(protocol.Ready)
        face = _face(service, scratch)
        cases: list[tuple[str, str, dict[str, Any]]] = [
            ("generate", "loading", {"prompt": PROMPT}),
            ("generate", "shape", {"prompt": PROMPT}),
            ("generate", "texture", {"prompt": PROMPT, "stage": "texture"}),
            ("edit", "loading", {"instruction": INSTRUCTION, "face": face}),
            ("edit", "texture", {"instruction": INSTRUCTION, "face": face}),
            ("edit", "shape", {"instruction": "make his nose bigger", "face": face, "scope": "geometry"}),
        ]
        for number, (op, phase, params) in enumerate(cases):
            name = f"case{number}"
            if "loading" in phase:
                service.say(protocol.Unload())
            if "face" in params:
                shutil.copytree(scratch / params["face"], scratch / name / "parent")
                params = {**params, "face": f"{name}/parent"}
            settings = dict.fromkeys(_steps(op), LONG)
            _submit(service, scratch, name, op, {**params, "settings": settings})
            if _reaches(service, phase):
                rows[f"{op} {phase}"] = _cancel(service, name)
    finally:
        left = service.close()
    return rows, left


def _steps(op: str) -> tuple[str, str]:
    return ("geometry.steps", "texture.steps") if op == "generate" else ("edit_geometry.steps", "edit_texture.steps")


def _face(service: Service, scratch: Path) -> str:
    _submit(service, scratch, "face", "generate", {"prompt": PROMPT, "settings": SHORT})
    _, end = service.hear(*ENDS)
    if not isinstance(end, protocol.Result):
        raise BackendCrashed(f"no face to edit: {end}")
    return end.outputs["face"]


def _submit(service: Service, scratch: Path, id: str, op: str, params: dict[str, Any]) -> None:
    (scratch / id).mkdir(exist_ok=True)
    service.say(protocol.Submit(id, op, {**params, "out": f"{id}/face"}))


def _reaches(service: Service, phase: str) -> bool:
    """Waits until the job is in that phase; False where it ends without, such as an edit that needs no networks."""
    while True:
        _, event = service.hear(protocol.Progress, *ENDS)
        if isinstance(event, ENDS):
            return False
        if event.phase == phase:
            return True


def _cancel(service: Service, id: str) -> float:
    asked = service.say(protocol.Cancel(id))
    when, end = service.hear(*ENDS)
    if not isinstance(end, protocol.Cancelled):
        raise BackendCrashed(f"{id} was to be cancelled, it ended in {end}")
    return round(when - asked, 3)
