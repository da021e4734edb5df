"""The training sets: pictures with the persons they show, and before/after pairs with instructions.

A set is a folder: `pictures.npy` (N, 3, 128, 128) uint8, and `captions.json`, which is written last: where it is, the
set is whole. Captions of pictures are drawn anew at every use from the person, so only the person is kept. Beside pairs
lies `parts.npy` (P, 16, 16) uint8: where each shows the part of the face that its instruction names.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from ..errors import TrainingSetInvalid
from ..files import refusal, write_whole
from ..language import Change, Look, Person, draw_colour_change, draw_person, draw_shape_change
from ..render.views import Setting
from ..router import route
from .people import PICTURE, Studio, draw_setting, twice

PICTURES, WORDS, PARTS = "pictures.npy", "captions.json", "parts.npy"
VIEWS = 2  # of each kind a head
LATENT = 16  # latents a side of a picture


def make_pictures(studio: Studio, heads: int, seed: int, out: Path) -> None:
    """`heads` random persons, VIEWS clay and VIEWS textured pictures each, in that order.

    Raises:
        FolderUnwritable, DiskFull: the set is not there.
    """
    rng, persons = random.Random(seed), []
    with torch.no_grad(), _pictures(out, heads * 2 * VIEWS) as add:
        for index in range(heads):
            person = draw_person(rng)
            persons.append(asdict(person))
            vertices = studio.vertices(person, rng.randrange(2**31))
            add(studio.clay(vertices, *draw_setting(VIEWS, rng)))
            add(studio.photos(vertices, studio.albedo(person), *draw_setting(VIEWS, rng)))
            _report("pictures", index, heads)
    write_whole(out / WORDS, json.dumps(persons).encode())


def make_changes(studio: Studio, heads: int, seed: int, out: Path) -> None:
    """Per head one shape change seen in clay and one colour change seen textured: before, after, in one view.

    Each is recorded with its instruction and both persons.

    Raises:
        FolderUnwritable, DiskFull: the set is not there.
    """
    records = []
    with torch.no_grad(), _pictures(out, heads * 4) as add:
        for index, (seen, head_seed) in enumerate(drawn_changes(heads, seed)):
            for pair in pictured(studio, seen, head_seed):
                add(pair)
            records += [_record(change) for change, _ in seen]
            _report("changes", index, heads)
    write_whole(out / WORDS, json.dumps(records).encode())


def changes_in(studio: Studio, heads: int, seed: int, folder: Path) -> None:
    """`make_changes` and `mark_parts`, each where it is not done yet."""
    if not (folder / WORDS).is_file():
        make_changes(studio, heads, seed, folder)
    if not (folder / PARTS).is_file():
        mark_parts(studio, seed, folder)


def mark_parts(studio: Studio, seed: int, out: Path) -> None:
    """Beside the set that `make_changes` made of that seed, where each picture before shows what is spoken of.

    Raises:
        TrainingSetInvalid: the set was made of another seed, or in an older language.
        FolderUnwritable, DiskFull: the marks are not there.
    """
    _, records = read_set(out)
    heads, marks = len(records) // 2, []
    for index, (seen, head_seed) in enumerate(drawn_changes(heads, seed)):
        for row, (change, (cameras, _), head) in enumerate(nearer(studio, *each, head_seed) for each in seen):
            if records[2 * index + row]["instruction"] != change.instruction:
                raise TrainingSetInvalid(f"{out.name} holds other changes", advice=f"delete {out}: it is made anew")
            regions = route(change.instruction).region
            shown = torch.zeros(1, LATENT, LATENT)
            if regions:
                shown = studio.parts(head, cameras, regions, LATENT)
            marks.append(to_bytes(shown))
        _report("parts", index, heads)
    file = BytesIO()
    np.save(file, np.concatenate(marks))
    write_whole(out / PARTS, file.getvalue())


def _record(change: Change) -> dict[str, Any]:
    return {"instruction": change.instruction, "before": asdict(change.before), "after": asdict(change.after)}


Seen = tuple[tuple[Change, Setting], tuple[Change, Setting]]


def pictured(
    studio: Studio, seen: Seen, head_seed: int
) -> tuple[Float[torch.Tensor, "2 3 128 128"], Float[torch.Tensor, "2 3 128 128"]]:
    """The change of shape before and after in clay, and the one of colour as photos."""
    (shape, of_shape, head), (colour, of_colour, painted) = (nearer(studio, *each, head_seed) for each in seen)
    clay = studio.clay(torch.cat([head, studio.vertices(shape.after, head_seed)]), *twice(*of_shape))
    albedos = torch.cat([studio.albedo(who) for who in (colour.before, colour.after)])
    return clay, studio.photos(painted, albedos, *twice(*of_colour))


def nearer(
    studio: Studio, change: Change, setting: Setting, head_seed: int
) -> tuple[Change, Setting, Float[torch.Tensor, "1 V 3"]]:
    """A change, its setting, by chance closer to the small part that the instruction names, and the head before."""
    cameras, lights = setting
    head = studio.vertices(change.before, head_seed)
    return change, (studio.nearer(cameras, head, route(change.instruction).region, head_seed), lights), head


def drawn_changes(heads: int, seed: int) -> Iterator[tuple[Seen, int]]:
    """Per head a shape change and a colour change, a setting for each, and the head's seed."""
    rng = random.Random(seed)
    for _ in range(heads):
        person, head_seed = draw_person(rng), rng.randrange(2**31)
        shape, colour = draw_shape_change(person, rng), draw_colour_change(person, rng)
        yield ((shape, draw_setting(1, rng)), (colour, draw_setting(1, rng))), head_seed


@contextmanager
def _pictures(out: Path, count: int) -> Iterator[Callable[[torch.Tensor], None]]:
    """Takes `count` pictures in order; the file is there when it has them all, and the old words are gone.

    Written, not mapped: on a full disk a write fails where a mapped page would end the process.
    """
    path, partial = out / PICTURES, out / f".{PICTURES}.partial"
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, 3, PICTURE, PICTURE)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / WORDS).unlink(missing_ok=True)
        with partial.open("wb") as file:

            def add(images: torch.Tensor) -> None:
                file.write(to_bytes(images).tobytes())

            np.lib.format.write_array_header_1_0(file, header)
            yield add
        partial.replace(path)
    except OSError as error:
        raise refusal(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


def read_set(folder: Path) -> tuple[np.ndarray, list[Any]]:
    """(N, 3, 128, 128) uint8, mapped, and the persons or changes.

    Raises:
        TrainingSetInvalid: a file is absent, unreadable, truncated, of another kind, or of an older language.
    """
    try:
        pictures = np.load(folder / PICTURES, mmap_mode="r", allow_pickle=False)
        records = json.loads((folder / WORDS).read_text(encoding="utf-8"))
        if pictures.shape[1:] != (3, PICTURE, PICTURE) or pictures.dtype != np.uint8:
            raise ValueError(f"{PICTURES} holds {pictures.dtype} {pictures.shape}")
        changes = "instruction" in records[0]
        if len(records) * (2 if changes else 2 * VIEWS) != len(pictures):
            raise ValueError(f"{len(records)} records for {len(pictures)} pictures")
        person_of(records[0]["after"] if changes else records[0])
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        raise TrainingSetInvalid(
            f"{folder.name} is no whole training set ({error})", advice=f"delete {folder}: training makes it anew"
        ) from error
    return pictures, records


def read_parts(folder: Path, count: int) -> Float[torch.Tensor, "P 16 16"]:
    """What `mark_parts` wrote beside a set of `count` changes, 0..1.

    Raises:
        TrainingSetInvalid: it is absent, unreadable or of another set.
    """
    try:
        marks = np.load(folder / PARTS, allow_pickle=False)
        if marks.shape != (count, LATENT, LATENT) or marks.dtype != np.uint8:
            raise ValueError(f"{PARTS} holds {marks.dtype} {marks.shape}")
    except (OSError, EOFError, ValueError) as error:
        raise TrainingSetInvalid(
            f"{folder.name} does not tell where its changes are ({error})", advice=f"delete {folder / PARTS}"
        ) from error
    return torch.from_numpy(marks).float() / 255


def person_of(record: dict) -> Person:
    """A person back from its JSON."""
    return Person(record["shape"], Look(**record["look"]))


def to_bytes(images: torch.Tensor) -> np.ndarray:
    return (images * 255).round().clamp(0, 255).byte().numpy()


def to_network(pictures: np.ndarray) -> torch.Tensor:
    """uint8 pictures to the networks' -1..1."""
    return torch.from_numpy(np.array(pictures)).float() / 127.5 - 1


def _report(what: str, index: int, total: int) -> None:
    if index % 200 == 199 or index + 1 == total:
        sys.stderr.write(f"{what} {index + 1}/{total}\n")
