"""The training sets: pictures with the persons they show, and before/after pairs with instructions.

A set is a folder: `pictures.npy` (N, 3, 128, 128) uint8, and `captions.json`. Captions of pictures are drawn anew at
every use from the person, so only the person is kept.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from ..language import CLAY, PHOTO, Look, Person, caption, draw_colour_change, draw_person, draw_shape_change
from .people import PICTURE, Studio, draw_setting

VIEWS = 2  # of each kind a head


def make_pictures(studio: Studio, heads: int, seed: int, out: Path) -> None:
    """`heads` random persons, VIEWS clay and VIEWS textured pictures each, in that order."""
    rng = random.Random(seed)
    out.mkdir(parents=True, exist_ok=True)
    pictures = np.lib.format.open_memmap(out / "pictures.npy", "w+", np.uint8, (heads * 2 * VIEWS, 3, PICTURE, PICTURE))
    persons = []
    with torch.no_grad():
        for index in range(heads):
            person = draw_person(rng)
            persons.append(asdict(person))
            vertices = studio.vertices(person, rng.randrange(2**31))
            clay = studio.clay(vertices, *draw_setting(VIEWS, rng))
            photos = studio.photos(vertices, studio.albedo(person), *draw_setting(VIEWS, rng))
            start = index * 2 * VIEWS
            pictures[start : start + 2 * VIEWS] = to_bytes(torch.cat([clay, photos]))
            _report("pictures", index, heads)
    (out / "captions.json").write_text(json.dumps(persons))


def make_changes(studio: Studio, heads: int, seed: int, out: Path) -> None:
    """Per head one shape change seen in clay and one colour change seen textured: before, after, in one view."""
    rng = random.Random(seed)
    out.mkdir(parents=True, exist_ok=True)
    pictures = np.lib.format.open_memmap(out / "pictures.npy", "w+", np.uint8, (heads * 4, 3, PICTURE, PICTURE))
    instructions = []
    with torch.no_grad():
        for index in range(heads):
            person, head_seed = draw_person(rng), rng.randrange(2**31)
            shape, colour = draw_shape_change(person, rng), draw_colour_change(person, rng)
            setting = draw_setting(1, rng)
            clay = [studio.clay(studio.vertices(who, head_seed), *setting) for who in (shape.before, shape.after)]
            setting = draw_setting(1, rng)
            vertices = studio.vertices(person, head_seed)
            photos = [studio.photos(vertices, studio.albedo(who), *setting) for who in (colour.before, colour.after)]
            pictures[index * 4 : index * 4 + 4] = to_bytes(torch.cat([*clay, *photos]))
            instructions += [shape.instruction, colour.instruction]
            _report("changes", index, heads)
    (out / "captions.json").write_text(json.dumps(instructions))


def person_of(record: dict) -> Person:
    """A person back from its JSON."""
    return Person(record["shape"], Look(**record["look"]))


def caption_of(records: list[dict], picture: int, rng: random.Random) -> str:
    """A fresh caption of picture number `picture` of a set made by `make_pictures`."""
    head, place = divmod(picture, 2 * VIEWS)
    return caption(person_of(records[head]), rng, CLAY if place < VIEWS else PHOTO)


def to_bytes(images: torch.Tensor) -> np.ndarray:
    return (images * 255).round().clamp(0, 255).byte().numpy()


def to_network(pictures: np.ndarray) -> torch.Tensor:
    """uint8 pictures to the networks' -1..1."""
    return torch.from_numpy(np.array(pictures)).float() / 127.5 - 1


def _report(what: str, index: int, total: int) -> None:
    if index % 200 == 199 or index + 1 == total:
        sys.stderr.write(f"{what} {index + 1}/{total}\n")
