"""One run of a job's stages: with which settings, who is told of it, and what is left of it if it is killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from . import provenance
from .face.saved import png
from .files import write_whole
from .pictures import to_bytes
from .settings import RECOMMENDED, Preset, changed, preset_named, repeated
from .stages.journal import Journal, as_file
from .stages.optimise import State, Watch

Emit = Callable[[dict[str, Any]], None]


def chosen(
    preset: str, repeat: Path | None, settings: Mapping[str, Any] | None, family: Mapping[str, Any] | None = None
) -> Preset:
    """The settings of a run.

    Args:
        repeat: a face.json, whose settings are taken in place of the preset's.
        settings: fields to change, by "stage.field".
        family: what a family of networks wants otherwise than `recommended`; other presets are as they are.

    Raises:
        UnknownOption: no such preset, field or value, or no settings in the file.
    """
    if repeat:
        return changed(repeated(repeat), settings or {})
    found = preset_named(preset)
    own = (family or {}) if found == RECOMMENDED else {}
    return changed(found, {**own, **(settings or {})})


@dataclass(frozen=True)
class Running:
    """Who looks on while the stages run.

    Attributes:
        out: the face that is being made; states and pictures that are kept go to a folder beside it, `NAME.steps`.
        ended: why stages ended before their last step, by phase.
    """

    emit: Emit
    cancelled: Callable[[], bool]
    out: Path
    journal: Journal
    previews: bool = False
    ended: dict[str, str] = field(default_factory=dict)

    def watch(self, phase: str) -> Watch:
        """Of one stage."""

        def progress(step: int, total: int) -> None:
            self.emit({"type": "progress", "phase": phase, "step": step, "total": total})

        def seen(picture: Callable[[], Tensor]) -> bytes:
            return provenance.into_png(png(to_bytes(picture())), provenance.unfinished())

        def preview(step: int, picture: Callable[[], Tensor]) -> None:
            file = self.journal.folder / "preview.png"
            write_whole(file, seen(picture))
            self.emit({"type": "preview", "file": str(file), "step": step})

        def keep(step: int, state: State, picture: Callable[[], Tensor]) -> None:
            place = self.out.with_name(f"{self.out.name}.steps")
            write_whole(place / f"{phase}-{step:04}.npz", as_file(state))
            write_whole(place / f"{phase}-{step:04}.png", seen(picture))

        def stopped(why: str) -> None:
            self.ended[phase] = why

        shown = preview if self.previews else None
        return Watch(progress, self.cancelled, shown, stopped, keep, self.journal, phase)

    def told(self) -> dict[str, Any]:
        """For the metrics of the face: nothing, where all stages ran to their end."""
        return {"ended_early": [f"{phase}: {why}" for phase, why in self.ended.items()]} if self.ended else {}


@contextmanager
def running(
    emit: Emit,
    cancelled: Callable[[], bool],
    out: Path,
    request: Mapping[str, Any],
    resume: bool = False,
    previews: bool = False,
) -> Iterator[Running]:
    """A run whose journal goes when it ends well or with an error, and stays when the process is killed or interrupted.

    Raises:
        UsageError: nothing to resume, or something else was asked for.
    """
    journal = Journal.of(out, request, resume)
    try:
        yield Running(emit, cancelled, out, journal, previews)
    except KeyboardInterrupt:
        raise
    except BaseException:
        journal.close()
        raise
    journal.close()
