from pathlib import Path

from backend.language import SHAPES, THINGS
from backend.language.page import page

PAGE = Path(__file__).parents[3] / "docs" / "language.md"


def test_the_page_is_that_of_the_tables():
    assert PAGE.read_text(encoding="utf-8") == page(), "make it anew: see backend/language/page.py"


def test_the_page_has_every_end_and_thing():
    for axis in SHAPES:
        for end in (axis.more, axis.less):
            assert f"{end.adjective}" in page()
    assert all(f"| {thing.noun} |" in page() for thing in THINGS)
