from PIL import Image

from backend.language import Look
from backend.training import sheets


def test_a_sheet_has_a_row_for_each_face(studio, tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "FACES", 2)
    monkeypatch.setattr(sheets, "TEXTURE", 128)
    out = sheets.paint_sheet(studio, 3, tmp_path / "faces.png")
    with Image.open(out) as picture:
        width, height = picture.size
    assert width > 3 * sheets.SIZE
    assert 2 * sheets.SIZE < height < 3 * sheets.SIZE


def test_a_sheet_tells_what_is_named():
    assert sheets.named(Look(tone=0.2, seed=3)) == "nothing named"
    assert sheets.named(Look(beard="red", freckles=True, wrinkles=0.5)) == "beard red, freckles, wrinkles 0.5"
