"""Work in a thread, for a user interface that must not wait. Standard library only."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from ..errors import BackendError
from .runner import Emit


class InBackground:
    """Work in a thread beside Blender's: `SetUp.look`, `SetUp.run`, `remove`, `checkpoints.fetch`.

    Nothing of it touches Blender; `poll` is for the timer of the user interface.
    """

    def __init__(self, work: Callable[[Emit, Callable[[], bool]], Any]) -> None:
        self._events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self.result: Any = None
        self.error: BackendError | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def cancel(self) -> None:
        """Ends the work within a second; `error` is then `Cancelled`."""
        self._stop.set()

    def poll(self) -> list[dict[str, Any]]:
        """The events since the last call; never waits."""
        found = []
        while not self._events.empty():
            found.append(self._events.get())
        return found

    def join(self, seconds: float | None = None) -> None:
        """Waits for the end."""
        self._thread.join(seconds)

    def _run(self, work: Callable[[Emit, Callable[[], bool]], Any]) -> None:
        try:
            self.result = work(self._events.put, self._stop.is_set)
        except BackendError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - a bug must not leave the button waiting
            self.error = BackendError(f"{type(error).__name__}: {error}", advice="report this")
