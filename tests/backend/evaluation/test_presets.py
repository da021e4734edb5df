import pytest

from backend.errors import UnknownOption
from backend.evaluation.intervals import Estimate
from backend.evaluation.presets import ABLATIONS, FULL, ablations, best_of, named_presets, order_holds
from backend.settings.presets import PAPER


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


def test_an_ablation_changes_one_field_or_is_skipped_with_a_word():
    presets, skipped = ablations()
    assert presets[0].name == FULL
    assert "no-coefficient-prior" in {preset.name for preset in presets}
    assert len(presets) - 1 + len(skipped) == len(ABLATIONS)
    assert all("does without it" in why for why in skipped.values())


def test_of_the_papers_preset_the_papers_parts_can_all_be_left_out():
    presets, skipped = ablations(PAPER)
    assert {"no-GaSDS", "no-prior", "no-YUV", "no-SC-weight", "no-Reg"} <= {preset.name for preset in presets}, skipped


def told(**shares):
    return {
        name: {"three_attributes_right": Estimate(share), "edit_success": Estimate(share)}
        for name, share in shares.items()
    }


def test_the_papers_order_is_told_pair_by_pair():
    rising = {"no-GaSDS": 0.1, "no-prior": 0.3, "no-YUV": 0.5, "no-Reg": 0.2, "no-SC-weight": 0.4, FULL: 0.9}
    assert order_holds(told(**rising)).value == 1
    falling = {name: 1 - share for name, share in rising.items()}
    assert order_holds(told(**falling)).value == 0
    assert order_holds(told(**dict.fromkeys(rising, 0.5))).value == 0.5
    assert order_holds(told(full=0.9)).value is None


def test_rank_one_counts_items_that_all_presets_have():
    rows = {
        "a": [{"id": "x", "seed": 0, "v": 1.0}, {"id": "y", "seed": 0, "v": 3.0}, {"id": "z", "seed": 0, "v": 9.0}],
        "b": [{"id": "x", "seed": 0, "v": 2.0}, {"id": "y", "seed": 0, "v": 3.0}],
    }
    found = best_of(rows, "v", greatest=True)
    assert (found["a"].value, found["b"].value, found["b"].items) == (0, 0.5, 2)
    assert best_of(rows, "v", greatest=False)["a"].value == 0.5
