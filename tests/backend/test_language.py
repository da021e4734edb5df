import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from backend.language import (
    HAIR,
    PAINT,
    SHAPES,
    SKIN,
    Change,
    Look,
    Person,
    caption,
    draw_colour_change,
    draw_person,
    draw_shape_change,
    listed,
    with_article,
    words,
)

seeds = st.integers(0, 2**31)
AXES = {axis.name: axis for axis in SHAPES}
TABLES = {"skin": SKIN, "lips": PAINT, "mask": PAINT, "beard": HAIR}


def said(text: str) -> set[str]:
    return set(re.findall(r"[^\s,]+", text))


def colour_changes(count: int = 400) -> list[Change]:
    rng = random.Random(0)
    return [draw_colour_change(draw_person(rng), rng) for _ in range(count)]


@given(seeds)
@settings(max_examples=300)
def test_nothing_is_said_beyond_the_words(seed):
    rng = random.Random(seed)
    person = draw_person(rng)
    texts = [caption(person, rng, style) for style in ("a photo of", "a clay render of")]
    texts += [draw(person, rng).instruction for draw in (draw_shape_change, draw_colour_change)]
    for text in texts:
        assert said(text) <= set(words()), text
        assert text == text.lower() == " ".join(text.split())


def test_the_words_are_sorted_single_and_few():
    assert list(words()) == sorted(set(words()))
    assert 50 < len(words()) < 300
    assert all(re.fullmatch("[a-z]+", word) for word in words())


def test_every_adjective_is_said_sooner_or_later():
    rng = random.Random(1)
    heard = set()
    for _ in range(1500):
        person = draw_person(rng)
        heard |= said(caption(person, rng, "a photo of"))
        heard |= said(draw_shape_change(person, rng).instruction) | said(draw_colour_change(person, rng).instruction)
    wanted = {*SKIN, *PAINT, *HAIR}
    for axis in SHAPES:
        wanted |= {axis.more, axis.less, *axis.comparatives} - {""}
    assert wanted <= heard


@pytest.mark.parametrize(
    ("adjective", "noun", "expected"),
    [
        ("old", "man", "an old man"),
        ("long", "nose", "a long nose"),
        ("full", "lips", "full lips"),
        ("green", "skin", "green skin"),
        ("big", "ears", "big ears"),
        ("fat", "old man", "a fat old man"),
    ],
)
def test_articles_are_those_of_english(adjective, noun, expected):
    assert with_article(adjective, noun) == expected


@given(seeds, st.lists(st.sampled_from(["red lips", "a long nose", "pale skin", "a beard"]), min_size=1, unique=True))
def test_a_list_names_each_part_once_and_in_order(seed, parts):
    assert re.split(", | and ", listed(parts, random.Random(seed))) == parts


@given(seeds)
def test_a_drawn_person_has_every_axis_and_colours_that_exist(seed):
    person = draw_person(random.Random(seed))
    assert set(person.shape) == set(AXES)
    assert all(-1 <= value <= 1 for value in person.shape.values())
    for name, table in TABLES.items():
        assert getattr(person.look, name) in (None, *table)
    assert 0 <= person.look.tone <= 1


@given(seeds, st.sampled_from(SHAPES), st.floats(0.36, 1), st.booleans())
@settings(max_examples=150)
def test_a_caption_says_the_side_an_axis_is_on(seed, axis, amount, up):
    """A person of one feature: the caption says it rightly or not at all."""
    value = amount if up else -amount
    text = caption(Person({axis.name: value}), random.Random(seed), "a photo of")
    wrong = axis.less if up else axis.more
    assert not re.search(rf"\b{wrong}\b", text)
    expected = {axis.phrase(value)} if axis.noun else {f"a photo of {with_article(axis.phrase(value), '')}".strip()}
    assert text == "a photo of a person" or all(phrase in text for phrase in expected)


@given(seeds)
def test_a_weak_feature_is_not_said(seed):
    person = Person({axis.name: 0.34 for axis in SHAPES})
    assert caption(person, random.Random(seed), "a photo of") == "a photo of a person"


@given(seeds)
def test_a_caption_says_only_colours_that_are_there(seed):
    look = Look(skin="green", lips="blue", beard="white")
    text = caption(Person({}, look), random.Random(seed), "a photo of")
    for phrase in re.split(", | and ", text.partition(" with ")[2]):
        assert phrase in ("green skin", "blue lips", "a white beard", "a beard", "")


@given(seeds)
@settings(max_examples=200)
def test_a_shape_change_moves_one_axis_clearly_and_as_it_says(seed):
    rng = random.Random(seed)
    person = draw_person(rng)
    change = draw_shape_change(person, rng)
    assert change.scope == "geometry"
    assert change.before.look == change.after.look == person.look
    moved = [name for name in AXES if change.before.shape[name] != change.after.shape[name]]
    assert len(moved) == 1
    axis, (start, end) = AXES[moved[0]], (change.before.shape[moved[0]], change.after.shape[moved[0]])
    assert abs(end) >= 0.55
    assert abs(end - start) >= 0.25
    mentioned = {axis.more, axis.comparatives[0]} if end > start else {axis.less, axis.comparatives[1]}
    assert said(change.instruction) & (mentioned - {""})
    assert not axis.noun or axis.noun in said(change.instruction)


def test_a_colour_change_changes_one_thing_and_says_which():
    for change in colour_changes():
        assert change.scope == "texture"
        assert change.before.shape == change.after.shape
        name = next((name for name in TABLES if name in said(change.instruction)), "")
        assert name
        assert replace(change.after.look, **{name: None}) == replace(change.before.look, **{name: None})
        colour = getattr(change.after.look, name)
        removed = bool(re.match("remove|take", change.instruction))
        assert (colour is None) == removed
        assert removed or colour in said(change.instruction)


def test_every_part_is_coloured_and_what_can_go_is_removed():
    instructions = [change.instruction for change in colour_changes()]
    for name in TABLES:
        assert any(name in said(text) for text in instructions)
    for noun in ("beard", "mask"):
        assert any(re.match("remove|take", text) and noun in said(text) for text in instructions)


@given(seeds)
def test_the_seed_says_who_and_what(seed):
    first, second = (random.Random(seed) for _ in range(2))
    assert draw_person(first) == draw_person(second)
    person = draw_person(first)
    assert caption(person, random.Random(seed), "a photo of") == caption(person, random.Random(seed), "a photo of")
