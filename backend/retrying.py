"""Jobs that begin again with less memory where a card was full."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any


def retreating(job: Callable[..., Any]) -> Callable[..., Any]:
    """The job, begun again one memory plan lower as often as a card is full and there is one; it is said each time."""

    @wraps(job)
    def begun(**values: Any) -> Mapping[str, Any]:
        while True:
            try:
                return job(**values)
            except RuntimeError as error:
                said = _retreat(error)
                if said is None:
                    raise
            values["emit"]({"type": "message", "text": said})  # out here nothing of the failed attempt is held

    return begun


def _retreat(error: RuntimeError) -> str | None:
    from .diffusion.plans import is_full
    from .workshop import retreat

    return retreat() if is_full(error) else None
