"""The one loop of all stages: a step's loss, the optimiser, a falling learning rate, guards, progress and cancel."""

from __future__ import annotations

import math
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


class SharedAdam:
    """Adam with one second moment a tensor in place of one a number.

    Adam scales every step alike, however small and noisy its gradient: two hundred identity coefficients all
    wandered equally far, and rarely seen texels as fast as others. Here a tensor moves along its mean gradient, and
    `learning_rate` is the root mean square of a step over its numbers.
    """

    def __init__(self, parameters: Sequence[Tensor]):
        self._parameters = parameters
        self._first = [torch.zeros_like(parameter) for parameter in parameters]
        self._second = [0.0] * len(parameters)
        self._count = 0

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        self._count += 1
        first, second = BETAS
        for index, parameter in enumerate(self._parameters):
            gradient = parameter.grad
            if gradient is None:
                continue
            self._first[index].lerp_(gradient, 1 - first)
            square = float(gradient.square().mean())
            self._second[index] = second * self._second[index] + (1 - second) * square
            size = math.sqrt(self._second[index] / (1 - second**self._count)) + 1e-30
            parameter -= learning_rate / size / (1 - first**self._count) * self._first[index]


def optimise(
    parameters: Sequence[Tensor], loss: Callable[[int], Tensor], steps: int, learning_rate: float, watch: Watch
) -> None:
    """Moves the parameters in place so that `loss(step)` falls.

    Raises:
        Cancelled: asked for between two steps.
        NotANumber: the loss or a gradient is NaN or infinite; the parameters are those of the last good step.
    """
    optimiser = SharedAdam(parameters)
    for step in range(steps):
        if watch.cancelled():
            raise Cancelled(f"stopped at step {step} of {steps}")
        value = loss(step)
        for parameter in parameters:
            parameter.grad = None
        value.backward()
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if not all(torch.isfinite(tensor).all() for tensor in (value, *gradients)):
            raise NotANumber(
                f"the loss became {value.item()} at step {step}",
                advice="lower the learning rate or the guidance scale with --set",
            )
        optimiser.step(learning_rate * (1 - (1 - FINAL_RATE) * step / steps))
        watch.progress(step + 1, steps)
