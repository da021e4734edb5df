import random
import re
from dataclasses import replace

from hypothesis import given, settings, strategies as st

from backend.language import AXES, THING, Change, asked, draw_colour_change, draw_person, draw_shape_change

seeds = st.integers(0, 2**31)


def said(text: str) -> set[str]:
    return set(re.findall("[a-z]+", text))


def colour_changes(count: int = 1500) -> list[Change]:
    rng = random.Random(0)
    return [draw_colour_change(draw_person(rng), rng) for _ in range(count)]


@given(seeds)
@settings(max_examples=300)
def test_a_shape_change_moves_one_axis_as_far_as_it_says(seed):
    rng = random.Random(seed)
    person = draw_person(rng)
    change = draw_shape_change(person, rng)
    assert change.scope == "geometry"
    assert change.before.look == change.after.look == person.look
    moved = [name for name in AXES if change.before.shape[name] != change.after.shape[name]]
    assert len(moved) == 1
    axis, (start, end) = AXES[moved[0]], (change.before.shape[moved[0]], change.after.shape[moved[0]])
    assert -1 <= min(start, end) < max(start, end) <= 1
    right, wrong = axis.end(end - start), axis.end(start - end)
    assert any(word in change.instruction for word in (*right.adjectives(), *right.comparatives()))
    assert not any(
        re.search(rf"\b{word}\b", change.instruction) for word in (*wrong.adjectives(), *wrong.comparatives())
    )
    assert not axis.noun or axis.noun in said(change.instruction)
    side = f"{axis.name}{'+' if end > start else '-'}"
    words = said(change.instruction)
    degree = "slightly" if words & {"slightly", "bit"} else "very" if words & {"very", "much"} else ""
    assert asked(change) == {side, side + degree}
    compared = any(re.search(rf"\b{word}\b", change.instruction) for word in right.comparatives())
    if compared:
        low, high = {"slightly": (0.3, 0.5), "": (0.6, 1.1), "very": (1.1, 1.7)}[degree]
        assert low - 1e-9 <= abs(end - start) <= high + 1e-9
    else:
        assert abs(end - start) > 0.49
        assert {"slightly": 0.3, "": 0.45, "very": 0.75}[degree] <= abs(end)


def test_a_colour_change_changes_one_thing_and_says_which():
    for change in colour_changes():
        assert change.scope == "texture"
        assert change.before.shape == change.after.shape
        (label,) = asked(change)
        name, _, value = label.partition("=")
        before, after = change.before.look, change.after.look
        assert getattr(before, name) != getattr(after, name)
        assert replace(after, **{name: getattr(before, name)}) == before
        assert (
            (value == "None")
            == (not getattr(after, name))
            == bool(re.match("remove|take|make (him|her|them) bald", change.instruction))
        )
        if value in THING[name].colours:
            assert value in said(change.instruction)
            assert getattr(after, name) == value
        if value == "any":
            assert getattr(before, name) is None


def test_every_thing_is_painted_and_what_can_go_is_removed():
    found = {label for change in colour_changes() for label in asked(change)}
    for thing in THING.values():
        assert any(label.startswith(f"{thing.name}=") and not label.endswith("None") for label in found)
        assert (f"{thing.name}=None" in found) == thing.goes
