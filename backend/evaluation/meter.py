"""What a piece of work cost: seconds, and latents the UNets were asked about."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..diffusion.model import Diffusion


class Cost:
    """Seconds, and `unet_calls`: one latent through one UNet; with guidance a picture costs two or three a step."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.unet_calls = 0

    def document(self) -> dict[str, Any]:
        return {"seconds": round(self.seconds, 2), "unet_calls": self.unet_calls}


@contextmanager
def metered(*networks: Diffusion) -> Iterator[Cost]:
    """Counts while the block runs; the cost is complete after it."""
    cost = Cost()

    def count(module: Any, given: tuple[Any, ...], out: Any) -> None:
        cost.unet_calls += len(given[0])

    hooks = [network.unet.register_forward_hook(count) for network in networks]
    started = time.monotonic()
    try:
        yield cost
    finally:
        cost.seconds = time.monotonic() - started
        for hook in hooks:
            hook.remove()
