from dataclasses import asdict, fields

import pytest
from hypothesis import given, strategies as st

from backend.errors import UnknownOption
from backend.settings import RECOMMENDED, Preset, changed

STAGES = [item.name for item in fields(Preset) if item.name != "name"]
KEYS = [f"{stage}.{item.name}" for stage in STAGES for item in fields(getattr(RECOMMENDED, stage))]


def value_of(preset: Preset, key: str) -> object:
    stage, name = key.split(".")
    return getattr(getattr(preset, stage), name)


@given(st.sampled_from([key for key in KEYS if type(value_of(RECOMMENDED, key)) is not bool]), st.integers(1, 999))
def test_one_field_is_set_as_text_or_number_and_no_other(key, number):
    for given_value in (number, str(number)):
        after = changed(RECOMMENDED, {key: given_value})
        kind = type(value_of(RECOMMENDED, key))
        assert value_of(after, key) == kind(number)
        assert type(value_of(after, key)) is kind
        assert [other for other in KEYS if value_of(after, other) != value_of(RECOMMENDED, other)] in ([], [key])


@pytest.mark.parametrize(
    ("value", "on"), [("1", True), (1, True), (True, True), ("true", True), ("0", False), (0, False)]
)
def test_a_switch_is_set_on_and_off(value, on):
    assert changed(RECOMMENDED, {"geometry.antialias": value}).geometry.antialias is on


def test_nothing_set_is_the_preset():
    assert changed(RECOMMENDED, {}) == RECOMMENDED


def test_several_fields_are_set_together():
    after = changed(RECOMMENDED, {"geometry.steps": 7, "texture.style": "a sketch of", "geometry.views": "3"})
    assert (after.geometry.steps, after.geometry.views, after.texture.style) == (7, 3, "a sketch of")
    assert RECOMMENDED.geometry.steps != 7


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("geometry.step", "geometry.steps"),
        ("texture.guidance", "texture.guidance_scale"),
        ("edit_texture.image_guidance", "edit_texture.image_guidance_scale"),
        ("geometry", "geometry."),
        ("zzz", "geometry.style"),
    ],
)
def test_an_unknown_field_is_refused_with_near_ones(key, near):
    with pytest.raises(UnknownOption, match=f"no setting '{key}'") as caught:
        changed(RECOMMENDED, {key: 1})
    assert near in caught.value.advice


@pytest.mark.parametrize(
    ("key", "kind", "value"),
    [
        *(("geometry.steps", "int", value) for value in ("many", "1.5", "", None)),
        *(("geometry.antialias", "bool", value) for value in ("2", "smooth", "", None)),
    ],
)
def test_a_value_of_another_kind_is_refused(key, kind, value):
    with pytest.raises(UnknownOption, match=f"{key} is a {kind}, not {value!r}"):
        changed(RECOMMENDED, {key: value})


def test_the_document_holds_every_number():
    document = changed(RECOMMENDED, {"texture.steps": 3}).document()
    assert set(document) == {"name", *STAGES}
    assert document["texture"]["steps"] == 3
    assert document["geometry"] == asdict(RECOMMENDED.geometry)
