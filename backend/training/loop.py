"""The one training loop: a time budget, warm-up and cosine decay, an exponential moving average, a log on stderr."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

WARM_UP = 50  # steps
EMA = 0.998
SAVE_EVERY = 8.0  # minutes


def fit(
    step: Callable[[], Tensor],
    parameters: Iterable[Tensor],
    minutes: float,
    rate: float,
    label: str,
    save: Callable[[], None] = lambda: None,
) -> int:
    """Repeats `step` (a fresh batch's loss, which may have run its backward pass itself) for `minutes`.

    At the end the parameters hold their moving average.

    Args:
        save: called every SAVE_EVERY minutes while the parameters hold the moving average, so that a killed run
            leaves something.

    Returns:
        How many steps there were.
    """
    trained = list(parameters)
    average = [parameter.detach().clone() for parameter in trained]
    optimiser = torch.optim.AdamW(trained, lr=rate, weight_decay=1e-4)
    start = saved = time.monotonic()
    count, losses = 0, []
    while (fraction := (time.monotonic() - start) / 60 / minutes) < 1:
        for group in optimiser.param_groups:
            group["lr"] = (
                rate * min(1, (count + 1) / WARM_UP) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * fraction)))
            )
        optimiser.zero_grad()
        loss = step()
        if loss.requires_grad:
            loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        count += 1
        keep = min(EMA, (count + 1) / (count + 10))
        with torch.no_grad():
            torch._foreach_lerp_(average, [p.detach() for p in trained], 1 - keep)
        losses.append(loss.item())
        if count % 50 == 0:
            recent = sum(losses[-50:]) / 50
            sys.stderr.write(f"{label} step {count} {time.monotonic() - start:.0f} s loss {recent:.4f}\n")
        if time.monotonic() - saved > 60 * SAVE_EVERY:
            saved = time.monotonic()
            swap(trained, average)
            save()
            swap(trained, average)
    swap(trained, average)
    return count


@torch.no_grad()
def swap(some: list[Tensor], others: list[Tensor]) -> None:
    """Exchanges the values of two lists of tensors."""
    for one, other in zip(some, others, strict=True):
        kept = one.clone()
        one.copy_(other)
        other.copy_(kept)
