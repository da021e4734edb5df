"""The one training loop: a time budget, warm-up and cosine decay, an exponential moving average, a log on stderr.

A journal lets a killed run go on: every SAVE_EVERY minutes it holds the parameters, their average, the optimiser's
moments and the time spent.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from ..files import write_whole

WARM_UP = 50  # steps
EMA = 0.998
SAVE_EVERY = 4.0  # minutes
KEPT = ("now", "average", "first", "second")


def fit(
    step: Callable[[], Tensor],
    parameters: Iterable[Tensor],
    minutes: float,
    rate: float,
    label: str,
    journal: Path | None = None,
) -> int:
    """Repeats `step` (a fresh batch's loss, which may have run its backward pass itself) for `minutes`.

    At the end the parameters hold their moving average.

    Args:
        journal: written every SAVE_EVERY minutes; if it is there at the start, the run goes on from it. It is removed
            at the end.

    Returns:
        How many steps there were.
    """
    trained = list(parameters)
    average = [parameter.detach().clone() for parameter in trained]
    optimiser = torch.optim.AdamW(trained, lr=rate, weight_decay=1e-4)
    count, spent = _recall(journal, trained, average, optimiser) if journal and journal.is_file() else (0, 0.0)
    start = saved = time.monotonic() - spent
    if journal and spent:
        saved = start + spent
        sys.stderr.write(f"{label} goes on from step {count}, {spent:.0f} s\n")
    losses = []
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
        if journal and time.monotonic() - saved > 60 * SAVE_EVERY:
            saved = time.monotonic()
            _note(journal, trained, average, optimiser, count, saved - start)
    with torch.no_grad():
        torch._foreach_copy_([p.data for p in trained], average)
    if journal:
        journal.unlink(missing_ok=True)
    return count


def _note(
    journal: Path,
    trained: list[Tensor],
    average: list[Tensor],
    optimiser: torch.optim.Optimizer,
    count: int,
    spent: float,
) -> None:
    tensors = {}
    for index, parameter in enumerate(trained):
        moments = optimiser.state[parameter]
        kept = (parameter.detach(), average[index], moments["exp_avg"], moments["exp_avg_sq"])
        tensors |= {f"{name}.{index}": value.contiguous() for name, value in zip(KEPT, kept, strict=True)}
    write_whole(journal, save(tensors, {"count": str(count), "seconds": str(spent)}))


@torch.no_grad()
def _recall(
    journal: Path, trained: list[Tensor], average: list[Tensor], optimiser: torch.optim.Optimizer
) -> tuple[int, float]:
    """Fills in what the journal holds; the steps and seconds it had come to."""
    with safe_open(journal, "pt") as file:
        notes = file.metadata()
        count = int(notes["count"])
        for index, parameter in enumerate(trained):
            now, mean, first, second = (file.get_tensor(f"{name}.{index}") for name in KEPT)
            parameter.copy_(now)
            average[index].copy_(mean)
            optimiser.state[parameter] = {
                "step": torch.tensor(float(count)),
                "exp_avg": first.to(parameter),
                "exp_avg_sq": second.to(parameter),
            }
    return count, float(notes["seconds"])
