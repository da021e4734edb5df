"""Draws progress events as one line a phase on a terminal, and as a few plain lines in a log."""

import time
from collections.abc import Mapping
from io import TextIOBase
from typing import Any, TextIO

BAR_WIDTH = 24
REDRAW_S = 0.1
LOG_EVERY_S = 5.0


class ProgressLine:
    """A job's `emit` for people: phase, bar, count, seconds since the phase began.

    On a terminal one line is redrawn; elsewhere a line is written at each new phase and every five seconds.
    """

    def __init__(self, stream: TextIO | TextIOBase) -> None:
        self._stream = stream
        self._rewrites = stream.isatty()
        self._phase = ""
        self._unit = ""
        self._began = 0.0
        self._next = 0.0

    def emit(self, event: Mapping[str, Any]) -> None:
        """Takes `{"type": "progress", "phase", "step", "total"}` and `{"type": "message", "text"}`; draws no others."""
        if event["type"] == "message":
            self.close()
            self._stream.write(f"{event['text']}\n")
        if event["type"] != "progress":
            return
        now = time.monotonic()
        phase, step, total = event["phase"], event["step"], event["total"]
        self._unit = f" {event['unit']}" if "unit" in event else ""
        is_new = phase != self._phase
        if is_new:
            self.close()
            self._phase, self._began = phase, now
        if is_new or now >= self._next or (self._rewrites and step >= total):
            self._next = now + (REDRAW_S if self._rewrites else LOG_EVERY_S)
            self._draw(step, total, now - self._began)

    def close(self) -> None:
        """End the line, so that other text starts on its own."""
        if self._phase and self._rewrites:
            self._stream.write("\n")
        self._phase = ""
        self._stream.flush()

    def _draw(self, step: int, total: int, seconds: float) -> None:
        full = BAR_WIDTH * min(step, total) // total if total else 0
        bar = "#" * full + "." * (BAR_WIDTH - full)
        line = f"{self._phase:<26} [{bar}] {step:>4}/{total:<4}{self._unit} {seconds:6.1f} s"
        self._stream.write(f"\r\x1b[K{line}" if self._rewrites else f"{line}\n")
        self._stream.flush()
