# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits between the pipe and the main thread: never more than so much, and never a wait on the main thread."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from .bundle import protocol

Item = TypeVar("Item")
NEWEST = (protocol.Heartbeat, protocol.Progress, protocol.Preview)  # of which only the last of a job counts
LIMIT = 1000


class Inbox(Generic[Item]):
    """Events in the order they came; of heartbeats, steps and previews only the newest.

    One that puts while LIMIT wait has to wait too: the pipe then fills up, and the backend waits in its turn.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit, self._count, self._closed = limit, 0, False
        self._events: OrderedDict[Any, Item] = OrderedDict()
        self._changed = threading.Condition()

    def put(self, event: Item) -> None:
        """Adds an event; after `close` it is dropped."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._events) < self._limit)
            if self._closed:
                return
            self._count += 1
            key: Any = self._count
            if isinstance(event, NEWEST):
                key = (event.type, getattr(event, "id", ""))
                self._events.pop(key, None)
            self._events[key] = event

    def take(self) -> Iterator[Item]:
        """What has come, one by one, without waiting."""
        while True:
            with self._changed:
                if not self._events:
                    return
                _, event = self._events.popitem(last=False)
                self._changed.notify()
            yield event

    def close(self) -> None:
        """Lets go of whoever waits to put."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
