"""What is missed most is shown most."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from backend.language import Look, Person
from backend.training.focus import LEAST, LOOKED, SHAPED, Focus, kind_of

PLAIN = Person({"age": 0.9}, Look(skin="green"))
LONGER = replace(PLAIN, shape=PLAIN.shape | {"nose_length": 0.8})
OLDER = replace(PLAIN, shape={"age": -0.5})
REDDER = replace(PLAIN, look=replace(PLAIN.look, lips="red"))
PAIRS = [(PLAIN, LONGER), (PLAIN, OLDER), (LONGER, PLAIN), (PLAIN, REDDER)]


def test_a_pair_is_of_the_kind_it_changes():
    assert [kind_of(*two) for two in PAIRS] == ["nose_length", "age", "nose_length", "lips"]


def test_at_first_all_kinds_are_alike_and_none_is_chosen_from_beyond_those_asked():
    focus, rng = Focus(PAIRS), random.Random(0)
    chosen = Counter(focus.choose(rng, SHAPED) for _ in range(3000))
    assert set(chosen) == {0, 1, 2}
    assert chosen[1] == pytest.approx(1500, rel=0.1)
    assert {focus.choose(rng, LOOKED) for _ in range(20)} == {3}


def test_what_is_known_is_shown_less_but_not_forgotten():
    focus, rng = Focus(PAIRS), random.Random(0)
    for _ in range(400):
        focus.note([0, 1], [0.0, 0.9], [True, True])
    chosen = Counter(focus.kinds[focus.choose(rng, SHAPED)] for _ in range(4000))
    assert chosen["nose_length"] / chosen["age"] == pytest.approx((LEAST / 0.9) ** 2, rel=0.3)


def test_what_was_not_told_says_nothing():
    focus = Focus(PAIRS)
    focus.note([0, 1], [0.0, 0.0], [False, True])
    assert focus.missed["nose_length"] == 1
    assert focus.missed["age"] < 1
