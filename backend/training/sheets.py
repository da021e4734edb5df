"""A contact sheet of painted faces, to be looked at after any change to the painter."""

from __future__ import annotations

import random
from dataclasses import fields
from pathlib import Path

import torch
from PIL import Image

from ..language import Look, draw_person
from ..render.camera import Cameras
from ..render.light import display_light
from ..render.picture import look
from ..render.sheet import Row, sheet
from .canvas import Canvas
from .data import to_bytes
from .painter import paint
from .people import Studio

FACES = 16
VIEWS = {"front": 0.0, "from its left": 45.0, "from its right": -45.0}  # azimuths in degrees
SIZE, TEXTURE = 384, 512
FAINT = 0.2  # wrinkles that are not told


def paint_sheet(studio: Studio, seed: int, out: Path) -> Path:
    """Writes a PNG of FACES random persons, textured, a row each, with the words of their looks.

    Raises:
        FolderUnwritable, DiskFull: nothing was left behind.
    """
    rng = random.Random(seed)
    canvas = Canvas.of(studio.model.topology, TEXTURE)
    cameras = Cameras(torch.tensor(list(VIEWS.values())), torch.zeros(len(VIEWS)))
    rows: list[Row] = []
    with torch.no_grad():
        for _ in range(FACES):
            person = draw_person(rng)
            vertices = studio.vertices(person, rng.randrange(2**31))
            scene = look(studio.surface, vertices, cameras, display_light(), SIZE, antialias=True, mipmaps=True)
            pictures = to_bytes(scene.textured(paint(canvas, person.look))).transpose(0, 2, 3, 1)
            rows.append((named(person.look), list(zip(VIEWS, map(Image.fromarray, pictures), strict=True))))
    return sheet(rows, out, f"{FACES} random faces of the painter, seed {seed}")


def named(look: Look) -> str:
    """What a look names, such as "beard red, freckles"."""
    values = {field.name: getattr(look, field.name) for field in fields(look) if field.name not in ("tone", "seed")}
    words = [
        name if value is True else f"{name} {value}" for name, value in values.items() if value and name != "wrinkles"
    ]
    words += [f"wrinkles {look.wrinkles:.1f}"] if look.wrinkles >= FAINT else []
    return ", ".join(words) or "nothing named"
