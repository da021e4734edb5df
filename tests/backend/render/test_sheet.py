import numpy as np
import pytest
from PIL import Image

from backend import errors
from backend.render.sheet import GROUND, sheet

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def plain(colour: tuple[int, int, int], size: int = 64) -> Image.Image:
    return Image.new("RGB", (size, size), colour)


def places(path, colour) -> tuple[int, int, int, int]:
    """Top, left, height and width of the texels of one colour."""
    rows, columns = np.nonzero((np.asarray(Image.open(path)) == colour).all(axis=-1))
    return rows.min(), columns.min(), np.ptp(rows) + 1, np.ptp(columns) + 1


def test_steps_are_rows_and_views_are_columns(tmp_path):
    rows = [
        ("an old man", [("front", plain(RED)), ("45°", plain(GREEN))]),
        ("make his lips red", [("front", plain(BLUE))]),
    ]
    path = sheet(rows, tmp_path / "sheet.png", "Facewright")
    red, green, blue = (places(path, colour) for colour in (RED, GREEN, BLUE))
    assert red[2:] == green[2:] == blue[2:] == (64, 64)
    assert red[0] == green[0]
    assert red[1] == blue[1]
    assert red[1] + 64 < green[1]
    assert red[0] + 64 < blue[0]


def test_rows_without_a_view_leave_its_place_empty(tmp_path):
    rows = [("one", [("front", plain(RED))]), ("two", [("45°", plain(GREEN))])]
    path = sheet(rows, tmp_path / "sheet.png", "")
    red, green = places(path, RED), places(path, GREEN)
    empty = np.asarray(Image.open(path))[red[0] : red[0] + 64, green[1] : green[1] + 64]
    assert (empty == GROUND).all()


def test_names_do_not_reach_the_pictures_or_the_border(tmp_path):
    words = "give him a black eye mask and " * 5
    path = sheet([(words, [("front", plain(RED))])], tmp_path / "sheet.png", words)
    top, left, height, width = places(path, RED)
    pixels = np.asarray(Image.open(path))
    assert (height, width) == (64, 64)
    assert (pixels[:4] == GROUND).all()
    assert (pixels[:, :4] == GROUND).all()
    assert (pixels[:, -4:] == GROUND).all()
    assert (pixels[top : top + 64, left - 4 : left] == GROUND).all()


def test_a_smaller_picture_stands_in_the_middle(tmp_path):
    rows = [("", [("a", plain(RED)), ("b", plain(BLUE, 32))])]
    path = sheet(rows, tmp_path / "sheet.png", "")
    red, blue = places(path, RED), places(path, BLUE)
    assert blue == (red[0] + 16, blue[1], 32, 32)


def test_a_sheet_needs_a_picture(tmp_path):
    with pytest.raises(ValueError, match="at least one picture"):
        sheet([("one", [])], tmp_path / "sheet.png", "")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(errors.FolderUnwritable, match="cannot be written"):
        sheet([("one", [("front", plain(RED))])], tmp_path / "file" / "sheet.png", "")
