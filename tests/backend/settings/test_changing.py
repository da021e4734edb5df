import json
from dataclasses import asdict, fields

import pytest
from hypothesis import given, strategies as st

from backend.errors import UnknownOption
from backend.settings import PRESETS, RECOMMENDED, Preset, changed, repeated

STAGES = [item.name for item in fields(Preset) if item.name != "name"]
FIELDS = {f"{stage}.{item.name}": item for stage in STAGES for item in fields(getattr(RECOMMENDED, stage))}
KEYS = list(FIELDS)
FREE = [key for key in KEYS if "choices" not in FIELDS[key].metadata]


def value_of(preset: Preset, key: str) -> object:
    stage, name = key.split(".")
    return getattr(getattr(preset, stage), name)


@given(st.sampled_from([key for key in FREE if type(value_of(RECOMMENDED, key)) is not bool]), st.integers(1, 999))
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
        ("texture.guidance_skale", "texture.guidance_scale"),
        ("edit_texture.image_guidance", "edit_texture.image_guidance_scale"),
        ("geometry", "geometry."),
        ("zzz", "geometry.steps"),
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


@pytest.mark.parametrize("key", [key for key in KEYS if "choices" in FIELDS[key].metadata])
def test_a_word_that_is_no_choice_is_refused_with_those_there_are(key):
    choices = FIELDS[key].metadata["choices"]
    for choice in choices:
        assert value_of(changed(RECOMMENDED, {key: choice}), key) == choice
    with pytest.raises(UnknownOption, match=f"{key} cannot be 'nothing'") as caught:
        changed(RECOMMENDED, {key: "nothing"})
    assert choices[0] in caught.value.advice


def test_several_choices_stand_between_commas():
    assert changed(RECOMMENDED, {"geometry.pictures": "normal,grey"}).geometry.pictures == "normal,grey"
    with pytest.raises(UnknownOption, match="'gray'"):
        changed(RECOMMENDED, {"geometry.pictures": "normal,gray"})


def test_settings_come_back_from_a_face(tmp_path):
    made = changed(PRESETS["released"], {"texture.steps": 3, "geometry.pictures": "normal"})
    (tmp_path / "face.json").write_text(json.dumps({"schema": 1, "settings": made.document()}))
    assert repeated(tmp_path / "face.json") == made


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"settings": {"steps": 3}}', '{"settings": 3}'])
def test_a_file_without_settings_is_refused(tmp_path, content):
    (tmp_path / "face.json").write_text(content)
    with pytest.raises(UnknownOption, match="holds no settings"):
        repeated(tmp_path / "face.json")
    with pytest.raises(UnknownOption, match="holds no settings"):
        repeated(tmp_path / "absent.json")
