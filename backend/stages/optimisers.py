"""The optimisers, by name in OPTIMISERS; each can be stopped, kept as arrays and gone on with."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

BETAS = (0.9, 0.99)  # FaceG2E's for textures
EPSILON = 1e-15  # FaceG2E's for textures
ADAN_BETAS = (0.98, 0.92, 0.99)  # FaceG2E's for geometry, as Adan's paper (Xie et al. 2022) has them
ADAN_EPSILON = 1e-8


class Optimiser(ABC):
    """Moves parameters in place along their gradients; a parameter without one stays."""

    moments: tuple[str, ...] = ("first", "second")

    def __init__(self, parameters: Sequence[Tensor], weight_decay: float = 0.0):
        self._parameters = parameters
        self._weight_decay = weight_decay
        self._count = 0
        self._held = {
            f"{name}{index}": torch.zeros_like(parameter)
            for name in self.moments
            for index, parameter in enumerate(parameters)
        }

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        self._count += 1
        for index, parameter in enumerate(self._parameters):
            if parameter.grad is not None:
                held = [self._held[f"{name}{index}"] for name in self.moments]
                self._move(parameter, parameter.grad, held, learning_rate)

    @abstractmethod
    def _move(self, parameter: Tensor, gradient: Tensor, held: list[Tensor], rate: float) -> None:
        """One parameter; `held` are its moments, changed in place."""

    def state(self) -> dict[str, Tensor]:
        """All it knows, as tensors that it does not change any more."""
        held = {name: values.clone() for name, values in self._held.items()}
        return {**held, "count": torch.tensor(self._count)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from a `state` of the same parameters."""
        self._count = int(state["count"])
        self._held = {name: state[name].clone() for name in self._held}


class SharedAdam(Optimiser):
    """Adam with one second moment a tensor in place of one a number.

    Adam scales every step alike, however small and noisy its gradient: two hundred identity coefficients all
    wandered equally far, and rarely seen texels as fast as others. Here a tensor moves along its mean gradient, and
    `learning_rate` is the root mean square of a step over its numbers.
    """

    def __init__(self, parameters: Sequence[Tensor], weight_decay: float = 0.0):
        super().__init__(parameters, weight_decay)
        for index in range(len(parameters)):
            self._held[f"second{index}"] = torch.zeros((), dtype=torch.float64)

    def _move(self, parameter: Tensor, gradient: Tensor, held: list[Tensor], rate: float) -> None:
        beta, other = BETAS
        first, second = held
        first.lerp_(gradient, 1 - beta)
        square = float(gradient.square().mean())
        second.copy_(torch.tensor(other * float(second) + (1 - other) * square, dtype=torch.float64))
        size = math.sqrt(float(second) / (1 - other**self._count)) + 1e-30
        parameter *= 1 - rate * self._weight_decay
        parameter -= rate / size / (1 - beta**self._count) * first


class AdamW(Optimiser):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019); without decay it is Adam."""

    def _move(self, parameter: Tensor, gradient: Tensor, held: list[Tensor], rate: float) -> None:
        beta, other = BETAS
        first, second = held
        first.lerp_(gradient, 1 - beta)
        second.mul_(other).addcmul_(gradient, gradient, value=1 - other)
        size = (second / (1 - other**self._count)).sqrt() + EPSILON
        parameter *= 1 - rate * self._weight_decay
        parameter -= rate / (1 - beta**self._count) * first / size


class Adan(Optimiser):
    """Adaptive Nesterov momentum (Xie et al. 2022), its weight decay in the proximal form."""

    moments = ("first", "change", "second", "last")

    def _move(self, parameter: Tensor, gradient: Tensor, held: list[Tensor], rate: float) -> None:
        beta, of_change, other = ADAN_BETAS
        first, change, second, last = held
        difference = gradient - last if self._count > 1 else torch.zeros_like(gradient)
        first.lerp_(gradient, 1 - beta)
        change.lerp_(difference, 1 - of_change)
        ahead = gradient + of_change * difference
        second.mul_(other).addcmul_(ahead, ahead, value=1 - other)
        last.copy_(gradient)
        size = (second / (1 - other**self._count)).sqrt() + ADAN_EPSILON
        parameter -= rate / (1 - beta**self._count) * first / size
        parameter -= rate * of_change / (1 - of_change**self._count) * change / size
        parameter /= 1 + rate * self._weight_decay


OPTIMISERS: Mapping[str, type[Optimiser]] = {"shared-adam": SharedAdam, "adam": AdamW, "adamw": AdamW, "adan": Adan}
