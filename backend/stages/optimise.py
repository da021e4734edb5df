"""The one loop of all stages: a step's loss, Adam, a falling learning rate, guards, progress and cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import Cancelled, NotANumber

BETAS = (0.9, 0.99)  # FaceG2E's for textures
FINAL_RATE = 0.2  # of the learning rate, at the last step


@dataclass(frozen=True)
class Watch:
    """Who looks on: `progress(step, total)` after every step, `cancelled()` before it."""

    progress: Callable[[int, int], None] = lambda step, total: None
    cancelled: Callable[[], bool] = lambda: False


def optimise(
    parameters: Sequence[Tensor], loss: Callable[[int], Tensor], steps: int, learning_rate: float, watch: Watch
) -> None:
    """Moves the parameters in place so that `loss(step)` falls.

    Raises:
        Cancelled: asked for between two steps.
        NotANumber: the loss or a gradient is NaN or infinite; the parameters are those of the last good step.
    """
    optimiser = torch.optim.Adam(parameters, lr=learning_rate, betas=BETAS)
    for step in range(steps):
        if watch.cancelled():
            raise Cancelled(f"stopped at step {step} of {steps}")
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * (1 - (1 - FINAL_RATE) * step / steps)
        value = loss(step)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if not all(torch.isfinite(tensor).all() for tensor in (value, *gradients)):
            raise NotANumber(
                f"the loss became {value.item()} at step {step}",
                advice="lower the learning rate or the guidance scale with --set",
            )
        optimiser.step()
        watch.progress(step + 1, steps)
