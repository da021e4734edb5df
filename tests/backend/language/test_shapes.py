import pytest

from backend.language import SHAPES, with_article


def test_there_are_enough_words_and_each_says_one_thing_of_its_noun():
    said = [(axis.noun, word) for axis in SHAPES for end in (axis.more, axis.less) for word in end.adjectives()]
    assert len(said) == len(set(said))
    assert len({(axis.noun, end.adjective) for axis in SHAPES for end in (axis.more, axis.less)}) >= 44


@pytest.mark.parametrize("axis", SHAPES, ids=lambda axis: axis.name)
def test_comparatives_are_those_of_both_ends(axis):
    for end in (axis.more, axis.less):
        assert len(end.comparatives()) == len(end.gradable())
        assert all(word.startswith("more ") or word.endswith("er") for word in end.comparatives())
        assert not end.compound or end.compound.endswith(axis.noun[:-1] + "ed") or axis.noun[:-1] in end.compound


@pytest.mark.parametrize(
    ("adjective", "noun", "expected"),
    [
        ("old", "man", "an old man"),
        ("long", "nose", "a long nose"),
        ("full", "lips", "full lips"),
        ("green", "skin", "green skin"),
        ("big", "ears", "big ears"),
        ("fat", "old man", "a fat old man"),
        ("man", "", "a man"),
    ],
)
def test_articles_are_those_of_english(adjective, noun, expected):
    assert with_article(adjective, noun) == expected
