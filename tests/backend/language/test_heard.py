"""From what people type to the words the networks were taught."""

import random
import re

import pytest
from hypothesis import given, strategies as st

from backend.face import anny
from backend.language import (
    CLAY,
    PHOTO,
    caption,
    draw_colour_change,
    draw_person,
    draw_shape_change,
    hear,
    unknown_in,
    words,
)
from backend.language.expressions import expressions
from backend.language.lists import read, said, taught

CAPTIONS = [
    "a smiling old woman with red lips",
    "an old man with a smile and red lips",
    "a man with a hooked nose and a smile",
    "a laughing woman",
    "tall forehead, closed eyes, thin lips",
    "a woman with her eyes closed",
]


def test_what_training_says_is_left_as_it_is():
    rng = random.Random(2)
    for _ in range(300):
        person = draw_person(rng)
        texts = [caption(person, rng, rng.choice((CLAY, PHOTO)))]
        texts += [draw(person, rng).instruction for draw in (draw_shape_change, draw_colour_change)]
        for text in texts:
            heard = hear(text, closed=True)
            assert (heard.text, heard.expression, heard.unknown, heard.notes) == (text, {}, (), ())


def test_the_plain_list_of_words_is_that_of_the_grammar():
    assert taught() == set(words()), "make lists/starter.json anew from vocabulary.words()"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("an enormous nose", "a very wide nose"),
        ("an obese gentleman with a crimson beard", "a very fat man with a red beard"),
        ("an elderly lady with gigantic ears", "an elderly woman with very big ears"),
        ("a bearded, dark-skinned man with red lips", "a man with red lips, a beard, dark skin"),
        ("a green-eyed guy", "a man with green eyes"),
        ("a long-nosed woman with a bald head", "a long-nosed woman with a bald head"),
        ("widen his nose", "make his nose wider"),
        ("A Man, with Gray Eyebrows", "a man, with grey eyebrows"),
        ("ein alter Mann mit langer Nase und roten Lippen", "an old man with a long nose and red lips"),
        ("dicker Mann mit Hakennase", "fat man with a hooked nose"),
        ("eine sehr junge Frau mit grünen Augen", "a very young woman with green eyes"),
        ("mach seine Nase dicker", "make his nose thicker"),
        ("entferne den Bart", "remove the beard"),
        ("gib ihr volle Lippen", "give her full lips"),
        ("一个长鼻子的老人", "an old man with a long nose"),
        ("鼻子很长的女人", "a woman with a very long nose"),
        ("非常胖的男人，红色的嘴唇", "a very fat man with red lips"),
        ("把他的嘴唇变成红色", "make his lips red"),
        ("把鼻子变长", "make the nose longer"),
        ("给她红色的嘴唇", "give her red lips"),
        ("去掉胡子", "remove the beard"),
    ],
)
def test_other_words_become_taught_ones(typed, told):
    heard = hear(typed, closed=True)
    assert heard.text == told
    assert heard.unknown == ()
    if typed != told:
        assert told in heard.notes[0]


def test_every_paraphrase_ends_in_taught_words():
    for values in read("english").values():
        for phrase, told in values.items():
            assert set(re.findall("[a-z]+", told)) <= taught(), phrase


@pytest.mark.parametrize("language", ["german", "chinese"])
def test_the_other_languages_end_in_words_that_are_taught_or_explained(language):
    explained = {"no", "hat", "braid", "curly", "without", "closed", "open", "freckled", "bearded", "become", "happy"}
    for name, values in read(language).items():
        if not isinstance(values, dict) or name == "expressions":
            continue
        for phrase, told in values.items():
            heard = hear(told, closed=True)
            left = set(heard.unknown) - explained
            assert not left or any("separate object" in note or "adults" in note for note in heard.notes), phrase


@pytest.mark.parametrize("text", CAPTIONS)
def test_an_expression_sets_keys_and_leaves_the_rest_of_the_prompt(text):
    heard = hear(text, closed=True)
    assert heard.expression
    assert heard.unknown == ()
    assert not set(said(heard.text)) & {"smile", "smiling", "laughing", "closed"}
    assert not re.search(r"with and|with,|^,|,$|  |with$|\ba o", heard.text)
    assert hear(text, closed=False).expression == heard.expression


def test_an_instruction_keeps_its_words():
    assert hear("make her eyes closed", closed=True, keys=False).expression == {}


def test_the_keys_of_expressions_are_those_of_the_embedded_head(head: anny.LinearFaceModel):
    for phrase, keys in expressions().items():
        assert keys.keys() <= set(head.topology.expression_names), phrase
        assert all(0 < value <= 1 for value in keys.values())


ENGLISH = ["a", "an", "old", "man", "with", "and", "a smile", "eyes closed", "closed eyes", "enormous", "nose"]
ENGLISH += ["bearded", "green-eyed", "very", ",", "-"]
OTHERS = ["bart", "und", "rot", "mit", "lächelnde", "鼻子", "长", "的", "把", "微笑", "，", "’", "😀"]


@given(st.lists(st.sampled_from(ENGLISH), max_size=12).map(" ".join))
def test_what_was_read_stays(text):
    heard = hear(text, closed=True)
    assert hear(heard.text, closed=True).text == heard.text
    assert set(unknown_in(text)) == set(heard.unknown)


@given(st.lists(st.sampled_from([*ENGLISH, *OTHERS]), max_size=12).map(" ".join))
def test_any_mixture_is_read(text):
    for closed in (True, False):
        assert isinstance(hear(text, closed).text, str)


def test_an_open_vocabulary_is_left_alone_but_for_other_languages():
    for text in ("Neteyam, 8k, an enormous NOSE", "a pirate captain"):
        assert hear(text, closed=False).text == text
        assert hear(text, closed=False).unknown == ()
    assert hear("一个长鼻子的老人", closed=False).text == "an old man with a long nose"
    assert "not part of the mesh" in hear("a captain with long hair", closed=False).notes[0]
