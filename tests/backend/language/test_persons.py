import random

import pytest
from hypothesis import given, strategies as st

from backend.language import AXES, HAIR, THINGS, draw_person

PERSONS = [draw_person(random.Random(seed)) for seed in range(3000)]


@given(st.integers(0, 2**31))
def test_a_drawn_person_has_every_axis_and_colours_that_exist(seed):
    person = draw_person(random.Random(seed))
    assert set(person.shape) == set(AXES)
    assert all(-1 <= value <= 1 for value in person.shape.values())
    for thing in THINGS:
        if thing.colours:
            assert getattr(person.look, thing.name) in (
                None,
                *thing.colours,
                *(["shaved"] if thing.name == "hair" else []),
            )
    assert 0 <= person.look.tone <= 1
    assert 0 <= person.look.wrinkles <= 1
    assert draw_person(random.Random(seed)) == person


def test_a_few_axes_are_clear_and_the_others_slight():
    for person in PERSONS:
        sizes = [abs(value) for name, value in person.shape.items() if name != "gender"]
        assert 2 <= sum(size >= 0.35 for size in sizes) <= 8
        assert all(size <= 0.25 or size >= 0.35 for size in sizes)
    clear = [abs(value) for person in PERSONS for value in person.shape.values() if abs(value) > 0.35]
    assert sum(value > 0.675 for value in clear) > 0.5 * len(clear)


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.name)
def test_everything_is_there_often_enough(thing):
    value = (getattr(person.look, thing.name) for person in PERSONS)
    there = sum(bool(one) if thing.name != "wrinkles" else one > 0.35 for one in value)
    assert 0.12 < there / len(PERSONS) < 0.55


def test_beards_are_mens_and_wrinkles_and_grey_hair_old_peoples_but_not_only():
    men, women = ([p for p in PERSONS if sign * p.shape["gender"] > 0.35] for sign in (1, -1))
    old, young = ([p for p in PERSONS if sign * p.shape["age"] > 0.35] for sign in (1, -1))

    def share(found):
        return sum(found) / len(found)

    for name in ("beard", "moustache", "stubble"):
        on_men, on_women = (share([bool(getattr(p.look, name)) for p in people]) for people in (men, women))
        assert on_men > 4 * on_women > 0
    wrinkled = [share([p.look.wrinkles > 0.35 for p in people]) for people in (old, young)]
    assert wrinkled[0] > 2 * wrinkled[1] > 0
    for name in ("hair", "beard"):
        colours = [[colour for p in people if (colour := getattr(p.look, name)) in HAIR] for people in (old, young)]
        grey = [share([colour in ("grey", "white") for colour in one]) for one in colours]
        assert grey[0] > 1.4 * grey[1] > 0
