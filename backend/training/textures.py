"""A user's folder of textures: read, checked, and looked at for its layout, its mirror symmetry and its licence."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from ..errors import TrainingSetInvalid, UsageError
from ..face.saved import png
from ..files import write_whole
from ..language import Look, draw_person
from .canvas import Canvas
from .data import to_bytes
from .painter import paint

KINDS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
LICENCES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "LICENCE.md", "LICENCE.txt")
OURS, OTHER = "facewright", "other"  # layouts: our UV square, or one of the folder's own
LEAST = 4  # textures
CELLS = 32  # squares a side in which a layout is told
ALIKE = 0.25  # least correlation of a texture with its layout: ours come to 0.30 to 0.97, ours turned by 90° to 0.19
MIRRORED = 0.8  # least correlation of a layout with its mirror image
SHOWN = 3  # names in a message


@dataclass(frozen=True)
class Textures:
    """What a prior learns from.

    Attributes:
        pictures: sRGB 0..1, of the size that is trained.
        mirrored: whether the layout is the same from left to right, so that mirrored textures are textures too.
        licence: what the folder says its pictures may be used for.
    """

    pictures: Float[Tensor, "N 3 S S"]
    layout: str
    mirrored: bool
    licence: str


def read_textures(folder: Path, size: int, layout: str, licence: str | None, ours: Canvas) -> Textures:
    """All pictures of a folder, made `size` pixels a side.

    Args:
        layout: OURS, or OTHER, where the pictures must only agree among themselves.
        licence: in words; by default the folder's LICENSE file.

    Raises:
        TrainingSetInvalid: the folder is empty; a picture is unreadable, of another size than most, not square or of
            another layout.
        UsageError: nothing says what the pictures may be used for.
    """
    if not folder.is_dir():
        raise TrainingSetInvalid(f"{folder} is no folder", advice="give the folder that holds the textures")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in KINDS)
    if len(paths) < LEAST:
        raise TrainingSetInvalid(
            f"{folder} holds {len(paths)} textures", advice=f"put at least {LEAST} into it, as {', '.join(KINDS)}"
        )
    told = licence or _licence(folder)
    read = [_picture(path, size) for path in paths]
    _refuse_sizes(paths, [whole for _, _, whole in read])
    pictures, cells = (torch.stack(parts) for parts in list(zip(*read, strict=True))[:2])
    usual = cells.median(0).values
    expected = usual if layout == OTHER else outlines(reference(ours)).mean(0)
    _refuse_layouts(paths, alike(cells, expected), layout)
    return Textures(pictures, layout, bool(alike(usual.flip(1)[None], usual)[0] > MIRRORED), told)


def paint_textures(canvas: Canvas, looks: list[Look], folder: Path) -> None:
    """A folder of textures in our layout, of our painter.

    Raises:
        FolderUnwritable, DiskFull: part of the folder may be there.
    """
    for number, look in enumerate(looks):
        picture = to_bytes(paint(canvas, look))[0].transpose(1, 2, 0)
        write_whole(folder / f"{number:05}.png", png(np.ascontiguousarray(picture)))
    write_whole(
        folder / "LICENSE", b"CC0-1.0: painted by Facewright on the UV layout of the CC0 MakeHuman base mesh.\n"
    )


def paint_persons(canvas: Canvas, count: int, seed: int, folder: Path) -> None:
    """`paint_textures` of random persons."""
    rng = random.Random(seed)
    paint_textures(canvas, [draw_person(rng).look for _ in range(count)], folder)


def reference(canvas: Canvas) -> Float[Tensor, "N 3 256 256"]:
    """What textures of our layout look like: a few faces, painted."""
    looks = [Look(tone=tone, brows="brown", eyes="brown", seed=seed) for seed, tone in enumerate((0.1, 0.4, 0.9))]
    return torch.cat([paint(canvas, look) for look in looks])


def outlines(pictures: Float[Tensor, "N 3 256 256"]) -> Float[Tensor, "N 32 32"]:
    """How much lightness changes within each of CELLS² squares of 8 pixels; the strongest tenth counts alike."""
    light = pictures.mean(1, keepdim=True)
    across, down = light.diff(dim=3).abs()[:, :, 1:], light.diff(dim=2).abs()[..., 1:]
    both = torch.nn.functional.pad(across + down, (1, 0, 1, 0))
    found = torch.nn.functional.avg_pool2d(both, 8)[:, 0].sqrt()
    return found.clamp(max=found.flatten(1).quantile(0.9, dim=1)[:, None, None])


def alike(cells: Float[Tensor, "N 32 32"], expected: Float[Tensor, "32 32"]) -> Float[Tensor, " N"]:
    """Correlation of each with what is expected, 0 where there is nothing to see."""
    found, wanted = (part.flatten(-2) - part.flatten(-2).mean(-1, keepdim=True) for part in (cells, expected))
    return (found * wanted).sum(-1) / (found.norm(dim=-1) * wanted.norm()).clamp(min=1e-9)


def _picture(path: Path, size: int) -> tuple[Float[Tensor, "3 S S"], Float[Tensor, "32 32"], tuple[int, int]]:
    """At the size that is trained, its outlines, and its own width and height."""
    try:
        with Image.open(path) as picture:
            whole, colours = picture.size, picture.convert("RGB")
            small, seen = (colours.resize((side, side), Image.Resampling.BOX) for side in (size, 8 * CELLS))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise TrainingSetInvalid(
            f"{path.name} cannot be read as a picture ({error})", advice="mend it or take it out of the folder"
        ) from error
    picture, large = (torch.from_numpy(np.array(one)).permute(2, 0, 1).float() / 255 for one in (small, seen))
    return picture, outlines(large[None])[0], whole


def _refuse_sizes(paths: list[Path], sizes: list[tuple[int, int]]) -> None:
    usual = Counter(sizes).most_common(1)[0][0]
    others = [f"{path.name} ({w} x {h})" for path, (w, h) in zip(paths, sizes, strict=True) if (w, h) != usual]
    if others:
        raise TrainingSetInvalid(
            f"most textures are {usual[0]} x {usual[1]}, but not {_few(others)}", advice="bring all to one size"
        )
    if usual[0] != usual[1]:
        raise TrainingSetInvalid(f"the textures are {usual[0]} x {usual[1]}, not square", advice="make them square")


def _refuse_layouts(paths: list[Path], scores: Float[Tensor, " N"], layout: str) -> None:
    others = [path.name for path, score in zip(paths, scores.tolist(), strict=True) if score < ALIKE]
    if not others:
        return
    if layout == OURS and len(others) > len(paths) / 2:
        raise TrainingSetInvalid(
            f"the textures are not in Facewright's UV layout ({_few(others)})",
            advice=f"carry them over first, or train for a layout of their own with --layout {OTHER}",
        )
    raise TrainingSetInvalid(
        f"{_few(others)} are not laid out as the other textures are", advice="take them out of the folder"
    )


def _licence(folder: Path) -> str:
    for name in LICENCES:
        if (folder / name).is_file():
            text = (folder / name).read_text(encoding="utf-8", errors="replace").strip()
            if text:
                return text.splitlines()[0]
    raise UsageError(
        f"nothing says what the textures of {folder} may be used for",
        advice="put a LICENSE file beside them, or state it: --licence 'CC0-1.0'",
    )


def _few(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
