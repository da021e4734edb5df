"""A small network that tells from a picture what the language could say of it: a judge of samples, not of faces.

It learns from renders of its own persons, which the networks it judges never saw, so that it cannot share their
mistakes; how often it is right on yet other renders is told beside everything it says.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..language import SHAPES, THINGS, Person, labels
from ..training.data import VIEWS, make_pictures, person_of, read_set
from ..training.people import Studio

WIDTHS = (16, 32, 64, 96, 128)
AXES_WEIGHT, THINGS_WEIGHT = 4.0, 3.0  # with a tenth of it no thing was told after 400 steps
CLEAR = 0.55  # an axis value that a picture must show
NONE = 0  # the class of a thing that is not there


@dataclass(frozen=True)
class Size:
    """How long the judge learns: about eleven minutes on one free core; whether that is enough, it says itself."""

    heads: int = 4000
    steps: int = 4000
    batch: int = 48
    rate: float = 2e-3
    seed: int = 9001


class Judging(nn.Module):
    """Pictures (B, 3, 128, 128) in 0..1 to axis values (B, A) and, for each thing, scores of its classes."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width in WIDTHS:
            layers += [nn.Conv2d(before, width, 3, 2, 1), nn.GroupNorm(8, width), nn.SiLU()]
            layers += [nn.Conv2d(width, width, 3, 1, 1), nn.GroupNorm(8, width), nn.SiLU()] if width > 16 else []
            before = width
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Linear(WIDTHS[-1] * 16, 256), nn.SiLU())
        self.axes = nn.Linear(256, len(SHAPES))
        self.things = nn.ModuleDict({thing.name: nn.Linear(256, len(classes(thing.name))) for thing in THINGS})

    def forward(self, pictures: Float[Tensor, "B 3 H W"]) -> tuple[Float[Tensor, "B A"], dict[str, Tensor]]:
        found = self.features(pictures * 2 - 1)
        return self.axes(found), {name: head(found) for name, head in self.things.items()}


def classes(name: str) -> tuple[str | bool | None, ...]:
    """What a thing can be: absent or not named (None), then its colours, or True."""
    colours = next(thing.colours for thing in THINGS if thing.name == name)
    return (None, *colours) if colours else (None, True)


def answers(persons: list[Person]) -> tuple[Float[Tensor, "N A"], dict[str, Int[Tensor, " N"]]]:
    """Axis values and classes of persons; wrinkles are there above a half, a bald or shaved head has no hair."""
    axes = torch.tensor([[person.shape.get(axis.name, 0.0) for axis in SHAPES] for person in persons])
    things: dict[str, Tensor] = {}
    for thing in THINGS:
        known = classes(thing.name)
        said = [getattr(person.look, thing.name) for person in persons]
        said = [value > 0.5 if thing.name == "wrinkles" else value for value in said]
        things[thing.name] = torch.tensor([known.index(value) if value in known else NONE for value in said])
    return axes, things


def judge(studio: Studio, folder: Path, size: Size = Size()) -> Judging:
    """The trained judge; kept in `folder` under a name made of what it learnt, so that it learns once."""
    known = json.dumps([asdict(size), labels(), [axis.sliders for axis in SHAPES], WIDTHS])
    name = hashlib.sha256(known.encode()).hexdigest()[:16]
    path = folder / f"judge-{name}.safetensors"
    network = Judging()
    if path.is_file():
        network.load_state_dict(load_file(path))
        return network.eval().requires_grad_(False)
    pictures = folder / f"judge-{name}"
    make_pictures(studio, size.heads, size.seed, pictures)
    learn(network, *read(pictures), size)
    save_file(network.state_dict(), path)
    for file in pictures.iterdir():
        file.unlink()
    pictures.rmdir()
    return network.eval().requires_grad_(False)


def read(folder: Path) -> tuple[np.ndarray, list[Person]]:
    """The pictures of a set and the person of each head."""
    pictures, records = read_set(folder)
    return pictures, [person_of(record) for record in records]


def learn(
    network: Judging,
    pictures: np.ndarray,
    persons: list[Person],
    size: Size,
    say: Callable[[str], Any] = sys.stderr.write,
) -> None:
    """Squared error of the axes, cross-entropy of the things; a clay picture tells of no thing."""
    torch.manual_seed(size.seed)
    chance = np.random.default_rng(size.seed)
    axes, things = answers(persons)
    optimiser = torch.optim.AdamW(network.parameters(), lr=size.rate, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, size.rate, total_steps=size.steps, pct_start=0.1)
    network.train()
    for step in range(size.steps):
        chosen = np.sort(chance.choice(len(pictures), size.batch, replace=len(pictures) < size.batch))
        who = torch.from_numpy(chosen // (2 * VIEWS))
        photo = torch.from_numpy(chosen % (2 * VIEWS) >= VIEWS)
        shown = torch.from_numpy(np.array(pictures[chosen])).float() / 255
        told, classed = network((shown * (0.85 + 0.3 * torch.rand(len(shown), 1, 1, 1))).clamp(0, 1))
        loss = AXES_WEIGHT * (told - axes[who]).square().mean()
        if photo.any():
            each = [
                nn.functional.cross_entropy(classed[name][photo], right[who[photo]]) for name, right in things.items()
            ]
            loss = loss + THINGS_WEIGHT * torch.stack(each).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        plan.step()
        if step % 200 == 199:
            say(f"judge {step + 1}/{size.steps} loss {loss.item():.3f}\n")


@torch.no_grad()
def agreement(network: Judging, pictures: np.ndarray, persons: list[Person]) -> tuple[list[bool], list[bool]]:
    """Whether the judge is right, picture by picture: on the sign of each clear axis, and on each thing there is."""
    right_axes, right_things = answers(persons)
    on_axes: list[bool] = []
    on_things: list[bool] = []
    for start in range(0, len(pictures), 64):
        chosen = np.arange(start, min(start + 64, len(pictures)))
        told, classed = network(torch.from_numpy(np.array(pictures[chosen])).float() / 255)
        who = torch.from_numpy(chosen // (2 * VIEWS))
        clear = right_axes[who].abs() >= CLEAR
        on_axes += (told.sign() == right_axes[who].sign())[clear].tolist()
        photo = torch.from_numpy(chosen % (2 * VIEWS) >= VIEWS)
        for name, right in right_things.items():
            there = photo & (right[who] != NONE)
            on_things += (classed[name].argmax(1) == right[who])[there].tolist()
    return on_axes, on_things
