"""A small network that tells from a picture what the language could say of it: a judge of samples, not of faces.

It learns from renders of its own persons, which the networks it judges never saw, so that it cannot share their
mistakes. No picture shows everything: an ear's shape is not to be seen from the front, nor a hooked nose. So the judge
learns on further renders how sure it must be of each axis and each thing to be right, and is silent where it is not;
how often it is right on yet other renders, and how often silent, is told beside everything it says.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from safetensors.torch import load_file, save
from torch import Tensor, nn

from ..files import write_whole
from ..language import SHAPES, THINGS, Person, labels
from ..training.data import VIEWS, make_pictures, person_of, read_set
from ..training.people import Studio

WIDTHS = (16, 32, 64, 96, 128)
AXES_WEIGHT, THINGS_WEIGHT = 4.0, 3.0  # with a tenth of it no thing was told after 400 steps
CLEAR = 0.55  # an axis value that a picture must show
SILENT = -1
NONE = 0  # the class of a thing that is not there
RIGHT = 0.985  # of what it says of an axis or a thing on the renders it learns its sureness from
LEAST_SAID = 20  # such renders; with fewer it is never sure


@dataclass(frozen=True)
class Size:
    """How long the judge learns: about half an hour on one free core; whether that is enough, it says itself."""

    heads: int = 4000
    others: int = 400  # heads on which it learns how sure it must be
    steps: int = 9000
    batch: int = 48
    rate: float = 2e-3
    seed: int = 9001


class Judging(nn.Module):
    """Pictures (B, 3, 128, 128) in 0..1 to axis values (B, A) and, for each thing, scores of its classes."""

    sure_axes: Tensor
    sure_things: Tensor

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
        self.register_buffer("sure_axes", torch.zeros(len(SHAPES)))  # least size of a value that is said
        self.register_buffer("sure_things", torch.zeros(len(THINGS)))  # least chance of a class that is said

    def forward(self, pictures: Float[Tensor, "B 3 H W"]) -> tuple[Float[Tensor, "B A"], dict[str, Tensor]]:
        found = self.features(pictures * 2 - 1)
        return self.axes(found), {name: head(found) for name, head in self.things.items()}

    def says(self, pictures: Float[Tensor, "B 3 H W"]) -> tuple[Int[Tensor, "B A"], Int[Tensor, "B T"]]:
        """Signs of axes, 0 where it is not sure; numbers of classes, SILENT where it is not."""
        values, scores = self(pictures)
        chances, found = best(scores)
        signs = torch.where(values.abs() >= self.sure_axes, values.sign(), 0.0).long()
        return signs, torch.where(chances >= self.sure_things, found, SILENT)


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


def best(scores: dict[str, Tensor]) -> tuple[Float[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Of each thing, the likeliest class's chance and number."""
    tops = [scores[thing.name].softmax(1).max(1) for thing in THINGS]
    return torch.stack([top.values for top in tops], dim=1), torch.stack([top.indices for top in tops], dim=1)


def judge(studio: Studio, folder: Path, size: Size = Size()) -> Judging:
    """The trained judge; kept in `folder` under a name made of what it learnt, so that it learns once."""
    known = json.dumps([asdict(size), labels(), [axis.sliders for axis in SHAPES], WIDTHS, RIGHT, LEAST_SAID])
    name = hashlib.sha256(known.encode()).hexdigest()[:16]
    path = folder / f"judge-{name}.safetensors"
    network = Judging()
    if path.is_file():
        network.load_state_dict(load_file(path))
        return network.eval().requires_grad_(False)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as made:
        learnt, others = Path(made) / "learnt", Path(made) / "others"
        make_pictures(studio, size.heads, size.seed, learnt)
        make_pictures(studio, size.others, size.seed + 1, others)
        learn(network, *read(learnt), size)
        grow_sure(network.eval(), *read(others))
    write_whole(path, save(network.state_dict()))
    return network.requires_grad_(False)


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
        shown = shown.flip(3) if step % 2 else shown  # a mirrored head is a head
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


@dataclass(frozen=True)
class Answered:
    """What the judge finds in pictures, beside the truth.

    Attributes:
        values, true_values: (N, A) of axes.
        chances, found, true_classes: (N, T) of things; the class found, and how likely it is.
        photo: (N,) the picture is textured, and shows things.
    """

    values: Float[Tensor, "N A"]
    true_values: Float[Tensor, "N A"]
    chances: Float[Tensor, "N T"]
    found: Int[Tensor, "N T"]
    true_classes: Int[Tensor, "N T"]
    photo: Bool[Tensor, " N"]

    @classmethod
    @torch.no_grad()
    def of(cls, network: Judging, pictures: np.ndarray, persons: list[Person]) -> Answered:
        """Of a set's pictures."""
        values, chances, found = [], [], []
        for start in range(0, len(pictures), 64):
            told, scores = network(torch.from_numpy(np.array(pictures[start : start + 64])).float() / 255)
            likely, number = best(scores)
            values.append(told)
            chances.append(likely)
            found.append(number)
        axes, things = answers(persons)
        each = torch.arange(len(pictures))
        who, photo = each // (2 * VIEWS), each % (2 * VIEWS) >= VIEWS
        true = torch.stack([things[thing.name] for thing in THINGS], dim=1)
        return cls(torch.cat(values), axes[who], torch.cat(chances), torch.cat(found), true[who], photo)

    def of_axis(self, axis: int) -> tuple[Float[Tensor, " n"], Bool[Tensor, " n"]]:
        """How far out it puts an axis that is clear, and whether on the right side."""
        clear = self.true_values[:, axis].abs() >= CLEAR
        values = self.values[clear, axis]
        return values.abs(), values.sign() == self.true_values[clear, axis].sign()

    def of_thing(self, thing: int) -> tuple[Float[Tensor, " n"], Bool[Tensor, " n"]]:
        """How likely it takes a thing's class where there is one, and whether rightly."""
        there = self.photo & (self.true_classes[:, thing] != NONE)
        return self.chances[there, thing], (self.found == self.true_classes)[there, thing]


def grow_sure(network: Judging, pictures: np.ndarray, persons: list[Person]) -> None:
    """Teaches the judge when to be silent."""
    answered = Answered.of(network, pictures, persons)
    network.sure_axes.copy_(torch.tensor([least_sure(*answered.of_axis(axis)) for axis in range(len(SHAPES))]))
    network.sure_things.copy_(torch.tensor([least_sure(*answered.of_thing(thing)) for thing in range(len(THINGS))]))


def least_sure(sureness: Float[Tensor, " n"], right: Bool[Tensor, " n"]) -> float:
    """The least sureness from which on RIGHT of what is said is right; infinite where nothing is."""
    order = sureness.argsort(descending=True)
    shares = right[order].double().cumsum(0) / torch.arange(1, len(order) + 1)
    good = ((shares >= RIGHT) & (torch.arange(len(order)) + 1 >= LEAST_SAID)).nonzero()
    return float(sureness[order[good[-1, 0]]]) if len(good) else float("inf")


def agreement(network: Judging, pictures: np.ndarray, persons: list[Person]) -> dict[str, list[bool]]:
    """Of each clear axis and each thing there is, picture by picture: whether the judge speaks, and is then right."""
    answered = Answered.of(network, pictures, persons)
    axes = [(*answered.of_axis(axis), network.sure_axes[axis]) for axis in range(len(SHAPES))]
    things = [(*answered.of_thing(thing), network.sure_things[thing]) for thing in range(len(THINGS))]
    found: dict[str, list[bool]] = {}
    for name, each in (("axes", axes), ("things", things)):
        said = torch.cat([sureness >= least for sureness, _, least in each])
        right = torch.cat([right for _, right, _ in each])
        found |= {f"speaks_of_{name}": said.tolist(), f"right_on_{name}": right[said].tolist()}
    return found
