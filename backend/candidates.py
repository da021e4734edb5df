"""Several cheap first results of a prompt, side by side with how well each shows it; one of them is then finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from . import making, provenance
from .diffusion.model import Diffusion
from .errors import UsageError
from .face.layers import Face
from .making import Drawn, Spoken
from .pictures import portrait, to_bytes
from .render.camera import Cameras
from .render.light import display_light
from .render.picture import look
from .render.sheet import Row, sheet
from .settings import Preset
from .stages.guiding import Wording
from .stages.optimise import Watch
from .workshop import Workshop

SHARE, LEAST = 4, 8  # a first result takes one step in so many, but not fewer than these
HASTE = 2.0  # and steps so much farther
VIEWS = (0.0, 35.0)  # degrees, of which each candidate is judged and shown
LEVELS = (250, 400, 550)  # timesteps at which it is judged: shapes and colours show there
DRAWS = 2  # of noise, at each level
SHOWN = 192  # pixels of a picture in the sheet


@dataclass(frozen=True)
class Candidate:
    """A first result: the seed it came from, what it is, and its scores by stage, in percent (`score`)."""

    seed: int
    drawn: Drawn
    scores: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.scores.values()) / len(self.scores)


def hasty(preset: Preset) -> Preset:
    """The preset with few, long steps in the stages that make a face, and no refinement."""
    found = {}
    for stage in ("geometry", "texture"):
        settings = getattr(preset, stage)
        steps = min(settings.steps, max(LEAST, settings.steps // SHARE))
        rate = settings.learning_rate * (HASTE if steps < settings.steps else 1.0)
        found[stage] = replace(settings, steps=steps, learning_rate=rate)
    found["texture"] = replace(found["texture"], refine_steps=0)
    return replace(preset, **found)


def select(
    shop: Workshop,
    preset: Preset,
    spoken: Spoken,
    stage: str,
    first: int,
    count: int,
    old: Face | None,
    choose: str,
    out: Path,
    emit: Callable[[dict[str, Any]], None],
    cancelled: Callable[[], bool],
) -> dict[str, Any]:
    """First results of `count` seeds from `first` on, a sheet of them, `OUT.candidates.png`, and which to finish.

    To finish one is to run its seed with all steps: what then comes resembles the first result as far as its words say.

    Args:
        choose: "best" for that of the best score, or a number counted from 1.

    Raises:
        UsageError: there is no such candidate; nothing is made.
        Cancelled: nothing is left behind.
    """
    wanted = number_of(choose, count)
    stages = ("geometry", "texture") if stage == "both" else (stage,)
    short = hasty(preset)
    found: list[Candidate] = []
    for number, seed in enumerate(range(first, first + count), start=1):
        name = f"candidate {number} of {count}"

        def watch(phase: str, name: str = name) -> Watch:
            def progress(step: int, total: int) -> None:
                emit({"type": "progress", "phase": f"{name}: {phase}", "step": step, "total": total})

            return Watch(progress=progress, cancelled=cancelled)

        drawn = making.draw(shop, short, spoken, stage, seed, old, watch)
        found.append(Candidate(seed, drawn, scores_of(shop, spoken, stages, drawn)))
    best = max(range(len(found)), key=lambda number: found[number].total)
    taken = best if wanted is None else wanted
    path = out.with_name(f"{out.name}.candidates.png")
    show(shop, found, taken, spoken.prompts[stages[0]].said("")[0], path)
    rounded = [{name: round(value, 3) for name, value in one.scores.items()} for one in found]
    told = [{"seed": one.seed, "scores": scores} for one, scores in zip(found, rounded, strict=True)]
    return {"seed": found[taken].seed, "finished": taken + 1, "candidates": told, "sheet": str(path)}


def number_of(choose: str, count: int) -> int | None:
    """The candidate's number from 0; None for "best". Raises UsageError where it is neither that nor 1 to `count`."""
    if choose == "best":
        return None
    if not choose.isdecimal() or not 1 <= int(choose) <= count:
        raise UsageError(f"there is no candidate {choose!r}", advice=f"say best, or a number from 1 to {count}")
    return int(choose) - 1


@torch.no_grad()
def scores_of(shop: Workshop, spoken: Spoken, stages: tuple[str, ...], drawn: Drawn) -> dict[str, float]:
    """How well a first result shows its words, by stage: its shape as the stage sees it, grey, its texture lit."""
    cameras = Cameras(torch.tensor(VIEWS), torch.zeros(len(VIEWS)))
    scene = look(shop.surface, drawn.vertices, cameras, display_light(), shop.draw.picture_size)
    pictures = {"geometry": scene.textureless(), "texture": scene.textured(drawn.albedo)}
    return {stage: score(shop.draw, pictures[stage], spoken.prompts[stage]) for stage in stages}


@torch.no_grad()
def score(networks: Diffusion, pictures: Float[Tensor, "B 3 H W"], prompt: Wording) -> float:
    """How much better the networks explain pictures when they are told the prompt, in percent of their error without.

    Every picture meets the same noises. Source: the diffusion classifier (Li et al. 2023), with the empty text as the
    other class.
    """
    text = networks.encode_text([prompt.said("front view")[0], ""])
    latents = networks.encode(pictures)
    generator = torch.Generator().manual_seed(0)
    told, untold = 0.0, 0.0
    for level in LEVELS * DRAWS:
        noise = torch.randn(latents.shape[1:], generator=generator).to(latents).expand_as(latents)
        timestep = torch.full((len(latents),), level)
        noisy = networks.add_noise(latents, noise, timestep)
        found = networks.predict_each(noisy.expand(2, *noisy.shape), timestep, text)
        with_prompt, without = ((one - noise).square().mean().item() for one in found)
        told, untold = told + with_prompt, untold + without
    return 100 * (untold - told) / untold


def show(shop: Workshop, candidates: list[Candidate], finished: int, title: str, path: Path) -> None:
    """The contact sheet: each candidate grey and textured from two sides, with seed and scores."""
    rows: list[Row] = []
    for number, one in enumerate(candidates):
        scores = ", ".join(f"{stage} {value:.2f}" for stage, value in one.scores.items())
        name = f"{number + 1}: seed {one.seed}, {scores}" + (" (finished)" if number == finished else "")
        views = [
            (
                f"{azimuth:g}° {kind}",
                Image.fromarray(to_bytes(portrait(shop, one.drawn.vertices, worn, azimuth, SHOWN))),
            )
            for kind, worn in (("shape", None), ("textured", one.drawn.albedo))
            for azimuth in VIEWS
        ]
        rows.append((name, views))
    role = "text-to-image"
    made_with = {"head": shop.model.topology.head, "family": shop.family.name, "licences": shop.licences(role)}
    told = {"prompt": title, "layers": [], "checkpoints": shop.networks.hashes(role), **made_with}
    sheet(rows, path, title, provenance.of_texture(told))
