import pytest

from backend.errors import UnknownOption
from backend.evaluation.presets import best_of, named_presets


def test_a_preset_is_named_with_the_fields_that_change():
    plain, other = named_presets("recommended,recommended+geometry.steps=7+texture.steps=3")
    assert plain.name == "recommended"
    assert (other.geometry.steps, other.texture.steps) == (7, 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nobody", "no preset"),
        ("recommended,recommended", "twice"),
        ("recommended+geometry.steps", "stage.field=value"),
    ],
)
def test_what_is_no_preset_is_refused(words: str, message: str):
    with pytest.raises(UnknownOption, match=message):
        named_presets(words)


def test_rank_one_counts_items_that_all_presets_have():
    rows = {
        "a": [{"id": "x", "seed": 0, "v": 1.0}, {"id": "y", "seed": 0, "v": 3.0}, {"id": "z", "seed": 0, "v": 9.0}],
        "b": [{"id": "x", "seed": 0, "v": 2.0}, {"id": "y", "seed": 0, "v": 3.0}],
    }
    found = best_of(rows, "v", greatest=True)
    assert (found["a"].value, found["b"].value, found["b"].items) == (0, 0.5, 2)
    assert best_of(rows, "v", greatest=False)["a"].value == 0.5
