"""`evaluate --samples`: do pictures that the text-to-image networks draw show the words? A judge of its own tells."""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from .. import checkpoints
from ..language import CLAY, PHOTO, SHAPES, THINGS, shape_prompt
from ..pictures import to_bytes
from ..render.sheet import sheet
from ..training.data import make_pictures
from ..training.people import Studio
from ..workshop import Workshop
from .classifier import SILENT, Judging, Size, agreement, classes, judge, read
from .intervals import Estimate, share
from .run import Emit

STEPS, GUIDANCE = 20, 1.5  # at 5 green skin is black: 0.54 of things shown, 0.71 at 1.5, 0.68 at 1.1
BATCH = 8
OTHERS = 60  # heads of the renders that the judge itself is judged on
OTHERS_SEED = 9002
SHOWN = 24
SHEET = "samples.png"
TRUSTED = 0.97  # of other renders that the judge must be right on


@dataclass(frozen=True)
class Asked:
    """One text, and what a picture of it must show: the sign of an axis, or the class of a thing."""

    text: str
    subject: str
    sign: float = 0.0
    value: str | bool | None = None


def texts() -> list[Asked]:
    """Both ends of every axis in clay, everything that can be painted as a photo."""
    shapes = [
        Asked(f"{CLAY} {shape_prompt(axis.name, sign)}", axis.name, sign) for axis in SHAPES for sign in (1.0, -1.0)
    ]
    things = [
        Asked(
            f"{PHOTO} a person with {(thing.named[0].format(value) if thing.colours else thing.plain[0])}",
            thing.name,
            0.0,
            value,
        )
        for thing in THINGS
        for value in classes(thing.name)
        if value is not None
    ]
    return [*shapes, *things]


def sample(shop: Workshop, asked: list[str], seed: int) -> Float[Tensor, "N 3 128 128"]:
    """Pictures by diffusers' own pipeline in STEPS steps, each from a seed of its own."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    parts = shop.draw
    folder = shop.networks.folders("text-to-image")["scheduler"]
    scheduler: Any = DDIMScheduler.from_pretrained(str(folder))
    pipeline: Any = StableDiffusionPipeline(
        vae=parts.vae,
        text_encoder=parts.text_encoder,
        tokenizer=parts.tokenizer,
        unet=parts.unet,
        scheduler=scheduler,
        safety_checker=None,  # pyright: ignore[reportArgumentType] - the starter family draws clay and make-up only
        feature_extractor=None,  # pyright: ignore[reportArgumentType]
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    generators = [torch.Generator().manual_seed(1000 * seed + number) for number in range(len(asked))]
    drawn = pipeline(
        asked,
        height=128,
        width=128,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        generator=generators,
        output_type="pt",
    )
    return drawn.images.float().cpu()


@torch.no_grad()
def shows(network: Judging, pictures: Float[Tensor, "N 3 128 128"], asked: list[Asked]) -> list[bool | None]:
    """Whether each picture shows what its text asks; None where the judge is silent."""
    signs, found = network.says(pictures)
    axes, things = [axis.name for axis in SHAPES], [thing.name for thing in THINGS]

    def shown(row: int, one: Asked) -> bool | None:
        if one.sign:
            sign = int(signs[row, axes.index(one.subject)])
            return sign * one.sign > 0 if sign else None
        number = int(found[row, things.index(one.subject)])
        return classes(one.subject)[number] == one.value if number != SILENT else None

    return [shown(row, one) for row, one in enumerate(asked)]


def evaluate_samples(
    shop: Workshop,
    out: Path,
    seeds: int,
    emit: Emit,
    size: Size = Size(),  # noqa: B008 - frozen
) -> dict[str, Estimate]:
    """How often the judge speaks and is right on other renders; how often, by it, samples show their words, or others.

    Writes SHEET: some samples by their texts.
    """
    studio = Studio.of(shop.model)
    out.mkdir(parents=True, exist_ok=True)
    kept = checkpoints.heads_folder()
    network = judge(studio, kept.parent / "judge" if kept else out, size)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        make_pictures(studio, OTHERS, OTHERS_SEED, Path(folder))
        trusted = agreement(network, *read(Path(folder)))
    asked, drawn, total = texts(), [], 0
    pictures: list[Tensor] = []
    for seed in range(seeds):
        for start in range(0, len(asked), BATCH):
            few = asked[start : start + BATCH]
            pictures.append(sample(shop, [one.text for one in few], seed * len(asked) + start))
            drawn += few
            total += len(few)
            emit({"type": "progress", "phase": "samples", "step": total, "total": seeds * len(asked)})
    together = torch.cat(pictures)
    _write_sheet(together, drawn, out / SHEET)
    right = shows(network, together, drawn)
    moved = _shuffled(drawn)
    wrong = shows(network, together, moved)
    return {
        **{f"judge_{name}": share(said) for name, said in trusted.items()},
        **_shares("samples", drawn, right),
        **_shares("samples_shuffled", moved, wrong),
    }


def samples_verdict(found: dict[str, Estimate]) -> list[str]:
    """Why what the judge says counts for nothing, in words; empty where it counts."""
    broken = [
        f"{key} is {found[key].words()}: a judge must be right on {TRUSTED:.0%} of other renders"
        for key in ("judge_right_on_axes", "judge_right_on_things")
        if (found[key].value or 0.0) < TRUSTED
    ]
    shuffled = found["samples_shuffled_show_axes"]
    if shuffled.low is None or shuffled.high is None or not shuffled.low <= 0.5 <= shuffled.high:
        broken.append(f"samples_shuffled_show_axes is {shuffled.words()}: others' words must show by chance alone")
    return broken


def _shares(name: str, asked: list[Asked], right: list[bool | None]) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for kind in ("axes", "things"):
        told = [ok for one, ok in zip(asked, right, strict=True) if bool(one.sign) == (kind == "axes")]
        found[f"{name}_show_{kind}"] = share([ok for ok in told if ok is not None])
        found[f"{name}_judged_{kind}"] = share([ok is not None for ok in told])
    return found


def _shuffled(asked: list[Asked]) -> list[Asked]:
    """Other texts of the same kind in each place, never of the same subject."""
    rng, found = random.Random(5), []
    for one in asked:
        found.append(
            rng.choice(
                [other for other in asked if bool(other.sign) == bool(one.sign) and other.subject != one.subject]
            )
        )
    return found


def _write_sheet(pictures: Float[Tensor, "N 3 128 128"], asked: list[Asked], path: Path) -> None:
    chosen = range(0, len(asked), max(1, len(asked) // SHOWN))
    rows: dict[str, list[tuple[str, Image.Image]]] = {}
    for number in chosen:
        rows.setdefault(asked[number].text, []).append(
            ("sample", Image.fromarray(to_bytes(pictures[number : number + 1])))
        )
    sheet(list(rows.items()), path, "Samples by their texts")
