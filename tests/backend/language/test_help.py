import random

import pytest

from backend.language import PHOTO, advice, caption, draw_colour_change, draw_person, unknown_words


def test_what_the_language_says_needs_no_advice():
    rng = random.Random(4)
    for _ in range(300):
        person = draw_person(rng)
        for text in (caption(person, rng, PHOTO), draw_colour_change(person, rng).instruction):
            assert unknown_words(text) == advice(text) == []


def test_unknown_words_are_named_once_and_in_order():
    assert unknown_words("A zebra, a sailor and a ZEBRA with red lips") == ["zebra", "sailor"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a woman with long hair", "separate object"),
        ("a man with a ponytail", "separate object"),
        ("an old man with glasses", "worn"),
        ("a boy with big ears", "adults"),
        ("a man without a beard", "excludes"),
        ("make her smile", "at rest"),
        ("a man with a moustach", "“moustache”"),
        ("a qwxz man", "“qwxz” is not known."),
    ],
)
def test_advice_says_why(text, told):
    first, *others = advice(text)
    assert told in first
    assert all("are listed in" in other for other in others)
