"""Copies of one UNet that learn from a batch together: one a core in half precision, or one on the GPU."""

from __future__ import annotations

import copy
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor

from .noised import Noised

CORES = 8  # at most: smaller shares of a batch no longer pay
TIMED_STEPS = 5


class Workers:
    """Runs a UNet forward and backward on a batch and leaves the mean gradient in the UNet's own float32 numbers.

    On a CPU each copy has one thread and a share of the batch: two threads in one network wait for one another at
    every small layer. bfloat16 halves the time of all layers but torch's fused attention, whose backward pass is slow
    there, so that those copies multiply matrices instead (24 latents on one core: 0.30 s, 0.52 s in float32). Which
    precision is used is decided by timing both.
    """

    def __init__(self, unet: UNet2DConditionModel, trial: Noised, text: Tensor):
        self._unet = unet
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        count = 1 if self._device == "cuda" else min(CORES, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
        seconds: dict[str, float] = {}
        fastest: list[UNet2DConditionModel] = []
        for dtype in (torch.bfloat16, torch.float32):
            self._copies = [copy.deepcopy(unet).to(device=self._device).to(dtype=dtype) for _ in range(count)]  # pyright: ignore[reportCallIssue]
            if dtype == torch.bfloat16 and self._device == "cpu":
                for worker in self._copies:
                    worker.set_attn_processor(AttnProcessor())
            taken = self._time(trial, text)
            if taken < min(seconds.values(), default=taken + 1):
                fastest = self._copies
            seconds[str(dtype).removeprefix("torch.")] = taken
        self._copies = fastest
        unet.zero_grad()
        sys.stderr.write(", ".join(f"{name} {taken:.2f} s a step" for name, taken in seconds.items()) + "\n")

    def _time(self, trial: Noised, text: Tensor) -> float:
        """Seconds a step takes, the first one not counted."""
        self.backward(trial, text)
        started = time.monotonic()
        for _ in range(TIMED_STEPS):
            self.backward(trial, text)
        return (time.monotonic() - started) / TIMED_STEPS

    def backward(self, batch: Noised, text: Tensor) -> float:
        """The mean squared error; the UNet's gradients are its own afterwards.

        Args:
            text: (B, L, D) what the text encoder says of each.
        """
        shares = batch.shares(len(self._copies))
        copies = self._copies[: len(shares)]
        own = list(self._unet.parameters())
        for worker in copies:
            torch._foreach_copy_([p.data for p in worker.parameters()], [p.data for p in own])
            worker.zero_grad()
        losses = list(self._pool.map(Noised.backward, shares, copies, text.chunk(len(shares))))
        weights = [len(share.noise) / len(batch.noise) for share in shares]
        sums = [torch.zeros_like(parameter) for parameter in own]
        for worker, weight in zip(copies, weights, strict=True):
            theirs = [p.grad for p in worker.parameters() if p.grad is not None]
            torch._foreach_add_(sums, [gradient.to(sums[0]) for gradient in theirs], alpha=weight)
        for parameter, gradient in zip(own, sums, strict=True):
            parameter.grad = gradient
        return sum(loss * weight for loss, weight in zip(losses, weights, strict=True))
