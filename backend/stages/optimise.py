"""The one loop of all stages: a step's loss, the optimiser, a learning rate, guards, progress, cancel and resume."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ..errors import Cancelled, NotANumber
from ..settings import StageSettings
from .journal import Journal
from .optimisers import OPTIMISERS, Optimiser

DECAY_EVERY = 100  # steps; FaceG2E's
EXPLODED = 1e4  # times the usual length of a gradient; the noise schedule alone varies it by some hundred
USUAL, FEWEST = 50, 10  # gradients that say what is usual, and how few are enough
SETTLING = 20  # steps over which a run is asked whether it still gets anywhere
PREVIEW_S = 0.5  # between two previews at least
ADVICE = "lower the learning rate or the guidance scale with --set"

State = Mapping[str, Tensor]


@runtime_checkable
class Carried(Protocol):
    """What a loss remembers from step to step beside the parameters."""

    def tensors(self) -> State: ...

    def restore(self, tensors: State) -> None: ...


@dataclass(frozen=True)
class Watch:
    """Who looks on.

    Attributes:
        progress: told (step, total) after every step.
        cancelled: asked before every step.
        preview: told the step and how to make a picture, at most twice a second; None wants none.
        stopped: told why a run ended before its last step; what it has so far is good.
        keep: told (step, state, how to make a picture) every `save_every` steps and at the end.
        journal: where the state is written, so that a killed run goes on.
        stage: the state's name in the journal.
    """

    progress: Callable[[int, int], None] = lambda step, total: None
    cancelled: Callable[[], bool] = lambda: False
    preview: Callable[[int, Callable[[], Tensor]], None] | None = None
    stopped: Callable[[str], None] = lambda why: None
    keep: Callable[[int, State, Callable[[], Tensor]], None] | None = None
    journal: Journal | None = None
    stage: str = ""


@dataclass
class Run:
    """One run of the loop, between its steps.

    Attributes:
        usual: lengths of the last gradients.
        anchor: the parameters up to SETTLING steps ago, `way` how far they went since.
        why: it ended before its last step; "" if not.
        carried: of the loss.
    """

    parameters: Sequence[Tensor]
    optimiser: Optimiser
    generator: torch.Generator
    step: int = 0
    usual: tuple[float, ...] = ()
    anchor: tuple[Tensor, ...] = ()
    way: float = 0.0
    why: str = ""
    written: float = 0.0
    shown: float = 0.0
    carried: Carried | None = None

    def state(self) -> dict[str, Tensor]:
        """All that the next step depends on."""
        return {
            **{f"parameter{index}": value.detach().clone() for index, value in enumerate(self.parameters)},
            **{f"anchor{index}": value for index, value in enumerate(self.anchor)},
            **{f"optimiser.{name}": value for name, value in self.optimiser.state().items()},
            **{f"carried.{name}": value for name, value in (self.carried.tensors() if self.carried else {}).items()},
            "generator": self.generator.get_state(),
            "step": torch.tensor(self.step),
            "usual": torch.tensor(self.usual, dtype=torch.float64),
            "way": torch.tensor(self.way, dtype=torch.float64),
            "why": torch.tensor(list(self.why.encode()), dtype=torch.uint8),
        }

    @torch.no_grad()
    def restore(self, state: State) -> None:
        for index, parameter in enumerate(self.parameters):
            parameter.copy_(state[f"parameter{index}"])
        self.anchor = tuple(
            state[f"anchor{index}"] for index in range(len(self.parameters)) if f"anchor{index}" in state
        )
        self.optimiser.restore(_below("optimiser.", state))
        if self.carried:
            self.carried.restore(_below("carried.", state))
        self.generator.set_state(state["generator"])
        self.step = int(state["step"])
        self.usual = tuple(state["usual"].tolist())
        self.way = float(state["way"])
        self.why = bytes(state["why"].tolist()).decode()

    def settled(self, before: tuple[Tensor, ...], settle: float) -> bool:
        """Whether the SETTLING steps up to this one got less than the share `settle` of their way anywhere."""
        self.anchor = self.anchor or before
        self.way += _apart(self.parameters, before)
        if self.step % SETTLING:
            return False
        got, way = _apart(self.parameters, self.anchor), self.way
        self.anchor, self.way = (), 0.0
        return got < settle * way


def optimise(
    parameters: Sequence[Tensor],
    loss: Callable[[int], Tensor],
    settings: StageSettings,
    generator: torch.Generator,
    watch: Watch,
    picture: Callable[[], Tensor] | None = None,
    carried: Carried | None = None,
) -> None:
    """Moves the parameters in place so that `loss(step)` falls.

    A loss or gradient that is no number, or a gradient that explodes, ends the run with the parameters of the last
    good step and tells `watch.stopped`.

    Args:
        generator: all that `loss` draws comes from it, so that a resumed run draws the same.
        picture: (1, 3, H, W) of what there is so far, for previews.
        carried: what `loss` remembers beside, which goes into the journal too.

    Raises:
        Cancelled: asked for between two steps.
        NotANumber: there is no good step before the bad one.
    """
    optimiser = OPTIMISERS[settings.optimiser](parameters, settings.weight_decay)
    run = Run(parameters, optimiser, generator, written=time.monotonic(), carried=carried)
    if watch.journal and (state := watch.journal.load(watch.stage)):
        run.restore(state)
    while run.step < settings.steps and not run.why:
        if watch.cancelled():
            raise Cancelled(f"stopped at step {run.step} of {settings.steps}")
        value = loss(run.step)
        for parameter in parameters:
            parameter.grad = None
        value.backward()
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        length = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
        run.why = _bad(value, length, run)
        if run.why and run.step == 0:
            raise NotANumber(run.why, advice=ADVICE)
        if run.why:
            break
        run.usual = (*run.usual, length)[-USUAL:]
        if settings.clip_norm and length > settings.clip_norm:
            for gradient in gradients:
                gradient *= settings.clip_norm / length
        before = tuple(parameter.detach().clone() for parameter in parameters) if settings.settle else ()
        optimiser.step(rate(settings, run.step))
        run.step += 1
        watch.progress(run.step, settings.steps)
        if settings.settle and run.settled(before, settings.settle):
            run.why = f"settled at step {run.step} of {settings.steps}"
        elif run.step < settings.steps:
            _tell(run, settings, watch, picture)
    if run.why:
        watch.stopped(run.why)
    if watch.journal:
        watch.journal.save(watch.stage, run.state())
    if watch.keep and picture and settings.save_every:
        watch.keep(run.step, run.state(), picture)


def rate(settings: StageSettings, step: int) -> float:
    """The learning rate of a step: falls evenly to `final_rate` of it, and by `decay` every 100 steps."""
    falling = settings.learning_rate * (1 - (1 - settings.final_rate) * step / settings.steps)
    return falling * settings.decay ** (step // DECAY_EVERY)


def _below(prefix: str, state: State) -> dict[str, Tensor]:
    """The part of a state under a prefix."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _apart(parameters: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    squares = [float((one.detach() - other).square().sum()) for one, other in zip(parameters, others, strict=True)]
    return math.sqrt(sum(squares))


def _bad(value: Tensor, length: float, run: Run) -> str:
    """What is wrong with a step, "" for nothing."""
    if not torch.isfinite(value):
        return f"the loss became {value.item()} at step {run.step}"
    if not math.isfinite(length):
        return f"the gradient became {length} at step {run.step}"
    typical = statistics.median(run.usual) if len(run.usual) >= FEWEST else 0.0
    if typical and length > EXPLODED * typical:
        return f"the gradient exploded at step {run.step}: {length:.3g} where {typical:.3g} is usual"
    return ""


def _tell(run: Run, settings: StageSettings, watch: Watch, picture: Callable[[], Tensor] | None) -> None:
    """Between two steps: the journal, the kept states, the preview."""
    now = time.monotonic()
    if watch.journal and watch.journal.due(run.written):
        watch.journal.save(watch.stage, run.state())
        run.written = now
    if watch.keep and picture and settings.save_every and run.step % settings.save_every == 0:
        watch.keep(run.step, run.state(), picture)
    if watch.preview and picture and now - run.shown >= PREVIEW_S:
        watch.preview(run.step, picture)
        run.shown = time.monotonic()
