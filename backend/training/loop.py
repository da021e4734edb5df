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


def fit(step: Callable[[], Tensor], parameters: Iterable[Tensor], minutes: float, rate: float, label: str) -> int:
    """Repeats `step` (a fresh batch's loss) for `minutes`; leaves the moving average in the parameters.

    Returns:
        How many steps there were.
    """
    trained = list(parameters)
    average = [parameter.detach().clone() for parameter in trained]
    optimiser = torch.optim.AdamW(trained, lr=rate, weight_decay=1e-4)
    start, count, losses = time.monotonic(), 0, []
    while (fraction := (time.monotonic() - start) / 60 / minutes) < 1:
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1, (count + 1) / WARM_UP) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * fraction)))
        loss = step()
        optimiser.zero_grad()
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
    with torch.no_grad():
        for parameter, mean in zip(trained, average, strict=True):
            parameter.copy_(mean)
    return count
