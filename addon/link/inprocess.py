# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend in this interpreter, behind the same interface: for scripts and tests, where torch can be imported."""

import importlib.util
import os
import threading
from typing import Any

from .bundle import BUNDLED, errors
from .client import Link
from .logs import Log


def available() -> bool:
    """Whether this Python has what the backend needs."""
    return importlib.util.find_spec("torch") is not None


class InProcess(Link):
    """A backend on a thread. A job that does not look at its cancel cannot be stopped: that takes a process.

    Args:
        service: a `backend.service.Service`; the real jobs where it is None.

    Raises:
        errors.SpawnFailed: this Python has no torch.
    """

    def __init__(self, service: Any = None) -> None:
        if service is None and not available():
            raise errors.SpawnFailed("this Python has no torch", advice="use the backend as a process")
        server = _server_class()
        from_us, to_them = os.pipe()
        from_them, to_us = os.pipe()
        self._streams = (os.fdopen(from_us, "rb"), os.fdopen(to_us, "wb"))
        served = server(service or _real_service(), *self._streams, leave=lambda: None)
        self._server = threading.Thread(target=self._serve, args=(served,), name="facewright-backend", daemon=True)
        self._server.start()
        super().__init__(os.fdopen(to_them, "wb"), os.fdopen(from_them, "rb"), Log(), apart=False)

    @property
    def pid(self) -> int:
        return os.getpid()

    def alive(self) -> bool:
        return self._server.is_alive()

    def terminate(self) -> None:
        """Asks the running job to stop and the backend to end; `Ended` follows."""
        self._lines.put(None)

    kill = terminate

    def close(self, patience: float = 3.0) -> None:
        """Ends the backend; waits at most `patience` seconds for its job."""
        self._lines.put(None)
        self._events.close()
        for thread in (self._writer, self._server, self._reader):
            thread.join(patience)
        if not self._writer.is_alive():  # its end is closed, so nobody waits for more
            self._streams[0].close()

    def _serve(self, served) -> None:
        try:
            served.run()
        finally:
            self._streams[1].close()


def _server_class():
    if BUNDLED:
        from ..backend.serve import Server  # pyright: ignore[reportMissingImports]
    else:
        from backend.serve import Server
    return Server


def _real_service():
    if BUNDLED:
        from ..backend import jobs, service  # pyright: ignore[reportMissingImports]
    else:
        from backend import jobs, service
    return service.Service(jobs.JOBS, jobs.describe, jobs.unload, jobs.limit)
