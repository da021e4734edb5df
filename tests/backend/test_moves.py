import random

import pytest

from backend.language import SHAPES, draw_colour_change, draw_person, draw_shape_change
from backend.moves import LEAST, PLACES, STEPS, moves_of


@pytest.mark.parametrize(
    ("instruction", "moves"),
    [
        ("longer nose", [("nose_length", 1, "", True)]),
        ("a bit older", [("age", 1, "slightly", True)]),
        ("much wider jaw", [("jaw_width", 1, "very", True)]),
        ("make his nose a little shorter, please", [("nose_length", -1, "slightly", True)]),
        ("give him a long nose", [("nose_length", 1, "", False)]),
        ("give her a very small chin", [("chin_length", -1, "very", False)]),
        (
            "make the lips fuller and the ears much smaller",
            [("lip_volume", 1, "", True), ("ear_size", -1, "very", True)],
        ),
        ("make his nose longer and wider", [("nose_length", 1, "", True), ("nose_width", 1, "", True)]),
        ("make her nose more hooked", [("nose_bridge", 1, "", True)]),
        ("make her nose less hooked", [("nose_bridge", -1, "", True)]),
        ("turn him into a woman", [("gender", -1, "", False)]),
        ("make the man thinner", [("weight", -1, "", True)]),
        ("make the man's lips thinner", [("lip_volume", -1, "", True)]),
        ("Make his face longer!", [("face_length", 1, "", True)]),
        ("make him long-nosed", [("nose_length", 1, "", False)]),
        ("bigger eyes", [("eye_size", 1, "", True)]),
        ("one bigger ear", [("ear_size", 1, "", True)]),
    ],
)
def test_slider_words_are_understood(instruction, moves):
    assert [(m.axis.name, m.sign, m.degree, m.relative) for m in moves_of(instruction)] == moves


@pytest.mark.parametrize(
    "instruction",
    [
        "make his lips red",
        "make his lips red and fuller",
        "give him a longer nose like a witch",
        "make him look like an elf",
        "make his nose prettier",
        "make his nose",
        "longer",
        "longer beard",
        "make him green",
        "",
    ],
)
def test_whatever_else_is_said_is_left_to_the_networks(instruction):
    assert moves_of(instruction) == ()


def test_every_instruction_of_the_language_that_moves_an_axis_names_it():
    rng = random.Random(1)
    for _ in range(1500):
        change = draw_shape_change(draw_person(rng), rng)
        (move,) = moves_of(change.instruction)
        after, before = change.after.shape[move.axis.name], change.before.shape[move.axis.name]
        assert (after - before) * move.sign > 0, change.instruction


def test_no_instruction_that_paints_moves_an_axis():
    rng = random.Random(2)
    for _ in range(1500):
        change = draw_colour_change(draw_person(rng), rng)
        assert not moves_of(change.instruction), change.instruction


@pytest.mark.parametrize("axis", SHAPES, ids=lambda axis: axis.name)
def test_degrees_are_steps_in_order_and_always_move(axis):
    for sign in (1.0, -1.0):
        more = axis.end(sign).comparatives()[0]
        told = [moves_of(f"make the {axis.noun or 'person'} {how} {more}") for how in ("a bit", "", "much")]
        distances = [sign * moves[0].distance(0.0) for moves in told]
        if axis.name != "gender":
            assert distances == [STEPS["slightly"], STEPS[""], STEPS["very"]] == sorted(distances)
        (place,) = moves_of(f"make the {axis.noun or 'person'} {axis.end(sign).adjective}")
        assert place.distance(0.0) * sign >= PLACES[""]
        assert place.distance(sign * 1.0) * sign == pytest.approx(LEAST)
