import random
import re

from backend.language import (
    CLAY,
    PHOTO,
    SHAPES,
    THINGS,
    caption,
    draw_colour_change,
    draw_person,
    draw_shape_change,
    words,
)


def test_the_words_are_sorted_single_and_few():
    assert list(words()) == sorted(set(words()))
    assert 150 < len(words()) < 320
    assert all(re.fullmatch("[a-z]+", word) for word in words())


def test_every_word_is_said_sooner_or_later_and_no_other():
    rng = random.Random(1)
    heard: set[str] = set()
    for _ in range(8000):
        person = draw_person(rng)
        texts = [caption(person, rng, rng.choice((CLAY, PHOTO)))]
        texts += [draw(person, rng).instruction for draw in (draw_shape_change, draw_colour_change)]
        for text in texts:
            assert text == text.lower() == " ".join(text.split())
            heard |= set(re.findall("[a-z]+", text))
    assert heard == set(words())


def test_each_part_and_thing_has_its_noun():
    for noun in [axis.noun for axis in SHAPES] + [thing.noun for thing in THINGS]:
        assert set(noun.split()) <= set(words())
