"""Copies of one network that learn from a batch together: one a core in half precision, or one on the GPU."""

from __future__ import annotations

import copy
import operator
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, runtime_checkable

import torch
from diffusers.models.attention_processor import Attention, AttnProcessor
from torch import Tensor

CORES = 8  # at most: smaller shares of a batch no longer pay
TIMED_STEPS = 5


@runtime_checkable
class Lesson(Protocol):
    """A batch that can be cut into shares and learnt from, such as `Noised` and `Denoising`."""

    def __len__(self) -> int: ...

    def shares(self, count: int) -> Sequence[Any]: ...

    def backward(self, network: Any, text: Tensor) -> tuple[float, ...]: ...


class Workers:
    """Runs a network forward and backward on a batch and leaves the mean gradient in its own float32 numbers.

    Of what the network does not train (`requires_grad`) the copies take no gradients.

    On a CPU each copy has one thread and a share of the batch: two threads in one network wait for one another at
    every small layer. bfloat16 halves the time of all layers but torch's fused attention, whose backward pass is slow
    there, so that those copies multiply matrices instead (24 latents on one core: 0.30 s, 0.52 s in float32). Which
    precision is used is decided by timing both.
    """

    def __init__(self, network: torch.nn.Module, trial: Lesson, text: Tensor):
        self._network = network
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        count = 1 if self._device == "cuda" else min(CORES, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
        seconds: dict[str, float] = {}
        fastest: list[torch.nn.Module] = []
        for dtype in (torch.bfloat16, torch.float32):
            self._copies = [copy.deepcopy(network).to(device=self._device).to(dtype=dtype) for _ in range(count)]  # pyright: ignore[reportCallIssue]
            if dtype == torch.bfloat16 and self._device == "cpu":
                for layer in (part for worker in self._copies for part in worker.modules()):
                    if isinstance(layer, Attention):
                        layer.set_processor(AttnProcessor())
            taken = self._time(trial, text)
            if taken < min(seconds.values(), default=taken + 1):
                fastest = self._copies
            seconds[str(dtype).removeprefix("torch.")] = taken
        self._copies = fastest
        network.zero_grad()
        sys.stderr.write(", ".join(f"{name} {taken:.2f} s a step" for name, taken in seconds.items()) + "\n")

    def _time(self, trial: Lesson, text: Tensor) -> float:
        """Seconds a step takes, the first one not counted."""
        self.backward(trial, text)
        started = time.monotonic()
        for _ in range(TIMED_STEPS):
            self.backward(trial, text)
        return (time.monotonic() - started) / TIMED_STEPS

    def backward(self, batch: Lesson, text: Tensor) -> tuple[float, ...]:
        """The losses of the lesson's own `backward`; the network's gradients are its own afterwards.

        Args:
            text: (B, L, D) what the text encoder says of each.
        """
        shares = batch.shares(len(self._copies))
        copies = self._copies[: len(shares)]
        own = _trained(self._network)
        for worker in copies:
            torch._foreach_copy_([p.data for p in _trained(worker)], [p.data for p in own])
            worker.zero_grad()
        texts = text.split(len(shares[0]))
        losses = list(self._pool.map(type(shares[0]).backward, shares, copies, texts))
        weights = [len(share) / len(batch) for share in shares]
        sums = [torch.zeros_like(parameter) for parameter in own]
        for worker, weight in zip(copies, weights, strict=True):
            theirs = [p.grad for p in _trained(worker) if p.grad is not None]
            torch._foreach_add_(sums, [gradient.to(sums[0]) for gradient in theirs], alpha=weight)
        for parameter, gradient in zip(own, sums, strict=True):
            parameter.grad = gradient
        return tuple(sum(map(operator.mul, kind, weights)) for kind in zip(*losses, strict=True))


def _trained(network: torch.nn.Module) -> list[Tensor]:
    return [parameter for parameter in network.parameters() if parameter.requires_grad]
