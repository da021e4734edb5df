import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from backend.language import (
    CLAY,
    DEGREES,
    PHOTO,
    SHAPES,
    THINGS,
    Look,
    Person,
    caption,
    caption_pair,
    described,
    draw_colour_change,
    draw_person,
    draw_shape_change,
    labels,
    listed,
    shape_prompt,
    shape_prompts,
    unseen_prompt,
    words,
)

seeds = st.integers(0, 2**31)


def said(text: str) -> set[str]:
    return set(re.findall("[a-z]+", text))


@given(seeds, st.sampled_from(SHAPES), st.sampled_from([0.32, 0.4, 0.47, 0.6, 0.8, 0.95]), st.booleans())
@settings(max_examples=300)
def test_a_caption_says_the_side_of_an_axis_and_a_degree_it_bears(seed, axis, amount, up):
    """A person of one feature: the caption says it rightly or not at all."""
    value = amount if up else -amount
    text, found = described(Person({axis.name: value}), random.Random(seed), CLAY)
    if not found:
        assert text == "a clay render of a person"
        return
    assert amount > 0.35
    wrong, right = axis.end(-value), axis.end(value)
    assert not any(re.search(rf"\b{word}\b", text) for word in wrong.adjectives())
    assert any(word in text for word in (*right.adjectives(), right.compound or right.adjective))
    degree = "very" if "very" in text else "slightly" if {"slightly", "bit"} & said(text) else ""
    side = f"{axis.name}{'+' if up else '-'}"
    assert found == {side, side + degree}
    assert DEGREES[degree][0] <= amount <= DEGREES[degree][1] or axis.name == "gender"


@given(seeds)
def test_a_weak_feature_is_not_said(seed):
    person = Person({axis.name: 0.29 for axis in SHAPES})
    assert caption(person, random.Random(seed), CLAY) == "a clay render of a person"


@given(seeds)
def test_a_caption_says_only_colours_that_are_there(seed):
    look = Look(skin="green", lips="blue", beard="white", hair="shaved")
    text = caption(Person({}, look), random.Random(seed), PHOTO)
    parts = text.replace(" who has ", " with ").partition(" with ")[2]
    for phrase in re.split(", | and ", parts):
        assert phrase in ("green skin", "blue lips", "blue lipstick", "a white beard", "a beard", "a shaved head", "")


@given(seeds)
def test_clay_shows_and_says_no_colours(seed):
    rng = random.Random(seed)
    _, found = described(draw_person(rng), rng, CLAY)
    assert not [label for label in found if "=" in label]


@given(seeds, st.lists(st.sampled_from(["red lips", "a long nose", "pale skin", "a beard"]), min_size=1, unique=True))
def test_a_list_names_each_part_once_and_in_order(seed, parts):
    assert re.split(", | and ", listed(parts, random.Random(seed))) == parts


def test_captions_cover_most_of_what_shows_in_mostly_plain_words():
    rng = random.Random(5)
    named, there, plain, empty = 0, 0, 0, 0
    for _ in range(1000):
        person = draw_person(rng)
        text, found = described(person, rng, CLAY)
        sides = {label for label in found if label[-1] in "+-"}
        named += len(sides)
        there += sum(abs(value) > 0.35 for value in person.shape.values())
        plain += len(sides) - sum(label[-1] not in "+-" for label in found)
        empty += text == f"{CLAY} a person"
    assert named > 0.7 * there
    assert plain > 0.5 * named
    assert 30 < empty < 150


def test_no_text_of_the_training_has_a_phrasing_held_back():
    rng = random.Random(2)
    for _ in range(3000):
        person = draw_person(rng)
        texts = [caption(person, rng, rng.choice((CLAY, PHOTO)))]
        texts += [draw(person, rng).instruction for draw in (draw_shape_change, draw_colour_change)]
        for text in texts:
            assert not re.search(r"the face of|, and the|who is|^a (photo|clay render) of (?!a |an )", text), text


@pytest.mark.parametrize("axis", SHAPES, ids=lambda axis: axis.name)
def test_prompts_are_in_the_words_known(axis):
    for sign in (1.0, -1.0):
        prompt, unseen = shape_prompt(axis.name, sign), unseen_prompt(axis.name, sign)
        assert prompt != unseen
        for text in (prompt, unseen, shape_prompt(axis.name, sign, "very")):
            assert said(text) <= set(words())
            assert axis.end(sign).adjective in text
    assert shape_prompt("nose_length", 1.0, "slightly") == "a person with a slightly long nose"
    assert len({prompt for _, _, prompt in shape_prompts()}) == 2 * len(SHAPES)


def test_every_label_is_said_by_some_text():
    rng = random.Random(7)
    heard: set[str] = set()
    for _ in range(8000):
        person = draw_person(rng)
        heard |= described(person, rng, PHOTO)[1]
        heard |= draw_shape_change(person, rng).said | draw_colour_change(person, rng).said
    assert heard == set(labels())
    assert {f"{thing.name}=None" for thing in THINGS if thing.goes} <= heard


@given(seeds)
def test_the_captions_of_a_change_name_the_same_of_what_stays(seed):
    plain = Person({"age": 0.6, "forehead": 0.6}, Look(lips="red"))
    bearded = replace(plain, look=replace(plain.look, beard="black"))
    before, after = caption_pair(plain, bearded, random.Random(seed), PHOTO)
    assert ("beard" in before, "beard" in after) == (False, True)
    for word in ("forehead", "red"):
        assert (word in before) == (word in after)


def test_a_pair_often_names_the_change_alone():
    rng = random.Random(0)
    long = Person({"nose_length": 0.7})
    pairs = {caption_pair(Person({"nose_length": 0.0}), long, rng, CLAY) for _ in range(50)}
    assert {before for before, _ in pairs} == {"a clay render of a person"}
    assert all("nos" in after for _, after in pairs)
