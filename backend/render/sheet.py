"""Contact sheets: pictures in rows and columns, with their names."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from .. import provenance
from ..files import write_whole

GROUND = (38, 38, 40)
BRIGHT = (236, 236, 236)
DIM = (158, 158, 162)

Row = tuple[str, list[tuple[str, Image.Image]]]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def sheet(rows: list[Row], path: Path, title: str, told: Mapping[str, Any] | None = None) -> Path:
    """Writes a PNG: rows named at the left, columns above, a place left empty where a row lacks a view.

    Args:
        rows: a name and pictures, each with the name of its view.
        told: where what is shown comes from, of `provenance`; it goes into the file.

    Raises:
        ValueError: no picture at all.
        FolderUnwritable, DiskFull: nothing was left behind.
    """
    views = list(dict.fromkeys(view for _, pictures in rows for view, _ in pictures))
    images = [image for _, pictures in rows for _, image in pictures]
    if not images:
        raise ValueError("a sheet needs at least one picture")
    width = max(image.width for image in images)
    height = max(image.height for image in images)
    text = max(13, width // 16)
    gap, margin = max(4, width // 32), text * 2
    small, large = ImageFont.load_default(text), ImageFont.load_default(round(text * 1.7))
    labels = [_wrap(name, small, width) for name, _ in rows]
    label_width = max(round(small.getlength(line)) for lines in labels for line in lines)
    left = margin + label_width + text * 3 // 2
    titles = _wrap(title, large, left + len(views) * (width + gap) - gap - margin)
    top = margin + len(titles) * text * 9 // 4 + text * 5 // 2
    size = (left + len(views) * (width + gap) - gap + margin, top + len(rows) * (height + gap) - gap + margin)
    canvas = Image.new("RGB", size, GROUND)
    draw = ImageDraw.Draw(canvas)
    for number, line in enumerate(titles):
        draw.text((margin, margin + number * text * 9 // 4), line, BRIGHT, large)
    for column, view in enumerate(views):
        draw.text((left + column * (width + gap) + width / 2, top - text), view, DIM, small, anchor="ms")
    for number, ((_, pictures), lines) in enumerate(zip(rows, labels, strict=True)):
        y = top + number * (height + gap)
        first = y + (height - (len(lines) - 1) * text * 3 // 2) / 2
        for line_number, line in enumerate(lines):
            place = (margin + label_width, first + line_number * text * 3 // 2)
            draw.text(place, line, BRIGHT, small, anchor="rm")
        for view, image in pictures:
            x = left + views.index(view) * (width + gap)
            shown = image.convert("RGB")
            canvas.paste(shown, (x + (width - image.width) // 2, y + (height - image.height) // 2))
    stream = BytesIO()
    canvas.save(stream, "PNG")
    content = stream.getvalue()
    return write_whole(path, provenance.into_png(content, told) if told else content)


def _wrap(words: str, font: Font, width: int) -> list[str]:
    """Lines no wider than `width`, unless one word alone is."""
    lines: list[str] = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
