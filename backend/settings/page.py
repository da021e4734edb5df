"""The page `docs/presets.md`, from the tables; a test holds it to them. To make it anew, in the repository's root:

python3 -c "from backend.settings.page import page; print(page(), end='')" > docs/presets.md
"""

from __future__ import annotations

from dataclasses import fields

from .changing import stages_of
from .faceg2e import PLACES, Place
from .presets import PRESETS

STAGES = {
    "geometry": "words to shape",
    "texture": "words to colours",
    "edit": "how an instruction is carried out",
    "edit_texture": "an instruction, to colours",
    "edit_geometry": "an instruction, to shape",
}


def page() -> str:
    """Markdown."""
    first = next(iter(PRESETS.values()))
    return "\n".join(
        [
            "# Presets",
            "",
            "`--preset` takes one of these: `paper` is what FaceG2E's paper says, `released` what its code does with",
            "its flaws (timesteps by chance for shapes, depth the wrong way round, colours beyond white, no outlines,",
            "decay of latents), `recommended` is ours. Any number is changed by `--set stage.field=value`. What a face",
            "was made with stands in its `face.json`; `--settings FACE/face.json` takes it from there, and with the",
            "same prompt and seed repeats the run.",
            "",
            "Guidance scales are diffusers': 1 is none, and FaceG2E's code, which counts 1 less, calls 101 by 100.",
            "What each field is, with the source of its number, stands beside it in `backend/settings/stages.py` and",
            "`presets.py`. `released` draws lights that go below 0 as 0, and stops at a value that is no number where",
            "the code puts a finite one in its place. With networks of other sizes than Stable Diffusion's, sizes are",
            "shares of theirs. Priors and ControlNets are asked where the family has them.",
            "",
            "This page is made from `backend/settings`; see `page.py` there.",
            "",
            "## How they differ",
            *(line for stage in stages_of(first) for line in _stage(stage)),
            "## FaceG2E's options",
            "",
            "| there | here | |",
            "|---|---|---|",
            *(_option(name, place) for name, place in PLACES.items()),
            "",
        ]
    )


def _stage(stage: str) -> list[str]:
    """A table of the fields in which presets differ, and the others in a line."""
    settings = {name: getattr(preset, stage) for name, preset in PRESETS.items()}
    rows, alike = [], []
    for item in fields(next(iter(settings.values()))):
        values = [getattr(one, item.name) for one in settings.values()]
        if len(set(values)) > 1:
            rows.append(f"| {item.name} | {' | '.join(_shown(value) for value in values)} |")
        else:
            alike.append(f"{item.name} {_shown(values[0])}")
    head = [f"| | {' | '.join(settings)} |", f"|---|{'---|' * len(settings)}"]
    told = ["", f"### {stage}: {STAGES[stage]}", "", *(head if rows else []), *rows]
    return [*told, *([""] if rows else []), f"Alike in all: {', '.join(alike)}.", ""]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value) or "(none)"


def _option(name: str, place: Place) -> str:
    stages = "" if len(place.stages) > 3 else f" of {', '.join(place.stages)}"
    here = ", ".join(f"`{one}`" for one in (*place.fields, *place.options)) + (stages if place.fields else "")
    return f"| `{name}` | {here} | {place.note} |"
