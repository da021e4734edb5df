"""Faces that another program made of the same words, measured by the same probes as ours: FaceG2E's results.

A folder holds them by the ids of items: `ID` is a face, `ID/before` and `ID/after` an edit. Each is a face folder, or
whatever `import` makes one of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from .. import jobs
from ..errors import UsageError
from ..face import saved
from ..face.layers import Face, albedo, coefficients, vertices
from ..pictures import to_tensor
from ..settings import RECOMMENDED
from ..stages.geometry import Shape
from ..workshop import Workshop, workshop_of
from .edits import edit_facts
from .items import Item, ItemSet
from .journal import Facts, Journal
from .judging import Row, both_row, edit_row, paint_rows, shape_row
from .keys import Judged
from .lab import Gauges, Lab, save_picture, views
from .locality import changed_outside
from .run import named

NAME = "imported"  # among the presets of a report
BEFORE, AFTER = "before", "after"
TAKEN = "taken over"  # what `import` says of a texture that it could read
FREE = {"seconds": None, "unet_calls": None}  # what was made elsewhere cost nothing here


def those_with_a_face(items: ItemSet, folder: Path) -> ItemSet:
    """The items that the folder holds a face for, each a lone one that belongs to no run.

    Raises:
        UsageError: it holds none.
    """
    found = tuple(
        replace(item, sets=tuple(name for name in item.sets if name == "unseen"))
        for item in items.items
        if item.kind in ("shape", "colour", "both", "edit") and (folder / item.id).is_dir()
    )
    if not found:
        raise UsageError(
            f"{folder} holds no folder with the name of an item",
            advice=f"name one such as {items.items[0].id!r} for each imported face",
        )
    return replace(items, items=found)


def digest(folder: Path) -> str:
    """Of all files below a folder, and their names."""
    total = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        total.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


@dataclass(frozen=True)
class Imported:
    """The faces of a folder.

    Attributes:
        folder: by the ids of items; `out` takes what has to be made a face first, and pictures.
        unmeasured: why an item's face is only shown, by its id; filled while it runs.
    """

    folder: Path
    out: Path
    base: Path | None
    journal: Journal
    unmeasured: dict[str, str]

    def judged(self, items: ItemSet) -> Judged:
        """Rows of all items, as those of a preset; what cannot be measured has a picture and nothing else."""
        judged = Judged()
        for item in items.items:
            rows = judged.edits if item.kind == "edit" else getattr(judged, item.kind)
            work: Callable[[Item], Facts] = self._edited if item.kind == "edit" else self._made
            found = self.journal.find(f"{NAME} | {item.kind} | {item.id}", lambda item=item, work=work: work(item))
            if found is None:
                continue
            row = named(item, 0, found["face"], found.get("empty"))
            if why := found.get("unmeasured"):
                self.unmeasured[f"{NAME}: {item.id}"] = why
                rows.append(row)
            else:
                rows.append(row | self._row(item, found))
        return judged

    def _row(self, item: Item, found: Facts) -> Row:
        face, empty = found["face"], found.get("empty", {})
        match item.kind:
            case "shape":
                made = saved.load(self._place(self.folder / item.id))
                return shape_row(item, face, empty, self._lab(made).gauges.judge)
            case "colour":
                return paint_rows(item, face, empty)
            case "both":
                return both_row(item, face, empty, empty)
            case _:
                return {"row": item.id} | edit_row(item, face, 1)

    def _made(self, item: Item) -> Facts:
        """The face, and the head and texture it is told apart from: those that its head model begins with."""
        face = saved.load(self._place(self.folder / item.id))
        lab = self._lab(face)
        face = flat(face, len(lab.shop.albedo))
        why, told = unmeasurable(lab, item, face), dict[str, Any]()
        nobody = replace(face, identity=0 * face.identity, base_vertices=lab.shop.model.rest.numpy())
        for name, one in (("face", face), ("empty", replace(nobody, base_albedo=lab.shop.albedo))):
            told[name] = {"picture": self._picture(lab, f"{name} {item.id}", one, bare=item.kind == "shape")}
            if not why:
                shape = Shape(torch.from_numpy(one.identity)[None], torch.from_numpy(one.base_vertices)[None], None)
                told[name] |= lab.of_shape(shape) | lab.of_texture(one.base_albedo) | FREE
        return told | {"unmeasured": why}

    def _edited(self, item: Item) -> Facts:
        """What one face has beyond the other."""
        places = [self._place(self.folder / item.id / name) for name in (BEFORE, AFTER)]
        lab = self._lab(saved.load(places[1]))
        old, new = (flat(saved.load(place), len(lab.shop.albedo)) for place in places)
        told = {"picture": self._picture(lab, item.id, old, new)}
        why = unmeasurable(lab, item, new)
        if not why:
            told |= edit_facts(lab, old, new) | {"outside": changed_outside(*places)} | FREE
        return {"face": told, "unmeasured": why}

    def _picture(self, lab: Lab, name: str, *faces: Face, bare: bool = False) -> str:
        """Of one face or several beside each other; `bare` ones wear nothing."""
        shown = [
            views(lab.shop, torch.from_numpy(face.base_vertices)[None], None if bare else to_tensor(face.base_albedo))
            for face in faces
        ]
        return save_picture(self.out, f"{NAME} {name}", np.concatenate(shown, axis=1))

    def _place(self, folder: Path) -> Path:
        """A face folder: this one, or what `import` makes of it.

        Raises:
            ImportInvalid, HeadMissing: it is nothing of the kind; the head is not there.
        """
        if (folder / "face.json").is_file():
            return folder
        place = self.out / NAME / hashlib.sha256(str(folder.relative_to(self.folder)).encode()).hexdigest()[:16]
        if not place.is_dir():
            place.parent.mkdir(parents=True, exist_ok=True)
            jobs.import_face(source=folder, out=place, base=self.base, emit=lambda event: None, cancelled=lambda: False)
        return place

    def _lab(self, face: Face) -> Lab:
        gauges = _gauges(workshop_of(face, base=self.base))
        return Lab(gauges.shop, RECOMMENDED, self.out, gauges)


@lru_cache(2)
def _gauges(shop: Workshop) -> Gauges:
    """What measures faces of a head; making it takes seconds."""
    return Gauges(shop)


def unmeasurable(lab: Lab, item: Item, face: Face) -> str:
    """Why the probes cannot judge a face by what its item expects, "" where they can."""
    topology = lab.shop.model.topology
    if topology.landmarks is None:
        return f"the head {topology.head} has no landmarks, which the probes of shape and colour need: only shown"
    said = face.metrics.get("albedo", TAKEN)
    if said != TAKEN and face.kind == "import" and item.paints:
        return f"its texture is the head's own ({said}): only shown"
    things = lab.gauges.chart.things
    if lost := [one.subject for one in item.paints if one.subject not in things or not things[one.subject].any()]:
        return f"the head {topology.head} has no place for {', '.join(lost)}: only shown"
    return ""


def flat(face: Face, size: int) -> Face:
    """The same to look at, without layers, its texture at the size in which all are measured."""
    return replace(
        face,
        identity=coefficients(face)[0],
        base_vertices=vertices(face),
        base_albedo=sized(albedo(face), size),
        layers=(),
    )


def sized(texels: UInt8[ndarray, "S S 3"], size: int) -> UInt8[ndarray, "T T 3"]:
    """A texture with so many texels a side."""
    way = Image.Resampling.BOX if len(texels) > size else Image.Resampling.BILINEAR
    return texels if len(texels) == size else np.asarray(Image.fromarray(texels).resize((size, size), way))
