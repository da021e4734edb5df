"""Parts of the method left out, each on what shows it."""

from dataclasses import fields, replace

import pytest

from backend.evaluation import ablations
from backend.evaluation.ablations import TABLES, groups, order_holds, rows_of, showing
from backend.evaluation.evaluating import Asked, evaluate
from backend.evaluation.intervals import Estimate
from backend.evaluation.items import FOLDER, read
from backend.evaluation.journal import Journal
from backend.evaluation.keys import Judged, keys
from backend.settings import RECOMMENDED, Preset

STARTER = read(FOLDER / "starter.jsonl")
EVERY = {"depth-control", "texture-prior", "texture-prior-yuv"}


def differences(one: Preset, other: Preset) -> set[str]:
    return {
        f"{stage.name}.{item.name}"
        for stage in fields(one)
        if stage.name != "name"
        for item in fields(getattr(one, stage.name))
        if getattr(getattr(one, stage.name), item.name) != getattr(getattr(other, stage.name), item.name)
    }


def test_a_family_with_all_networks_can_do_without_each_of_the_papers_parts(monkeypatch):
    monkeypatch.setattr(ablations, "networks_of", lambda family, base: EVERY)
    found, skipped = groups(RECOMMENDED, STARTER, {"texture.steps": 3, "edit_texture.steps": 3})
    assert skipped == {}
    for group in found:
        whole, *others = group.presets
        assert [preset.name for preset in group.presets] == [
            group.table.whole,
            *(a.name for a in group.table.ablations),
        ]
        for preset, one in zip(others, group.table.ablations, strict=True):
            assert differences(preset, whole) == set(one.settings)
        assert {preset.texture.steps for preset in group.presets} == {3}
    rated = {one.name for group in found for one in group.table.ablations if one.paper}
    assert rated == {"no-GaSDS", "no-prior", "no-YUV", "no-SC-weight", "no-Reg"}


def test_what_needs_a_network_the_family_lacks_is_skipped_with_a_word(monkeypatch):
    assert ablations.networks_of("starter") >= EVERY
    monkeypatch.setattr(ablations, "networks_of", lambda family, base: set())
    found, skipped = groups(RECOMMENDED, STARTER, {})
    needs = {one.name: one.needs for table in TABLES for one in table.ablations if one.needs}
    assert len(needs) == 3
    assert skipped == {name: f"the starter family has no {network}" for name, network in needs.items()}
    assert ["no-SC-weight", "no-Reg"] in [[p.name for p in group.presets[1:]] for group in found]


def test_each_table_runs_only_what_shows_it():
    kinds = {table.whole: {item.kind for item in showing(STARTER, table.kind).items} for table in TABLES}
    assert kinds == {table.whole: {table.kind} for table in TABLES}
    edits = showing(STARTER, "edit").items
    assert 15 <= len(edits) <= 20
    assert all(not item.shapes and item.sets == () and item.paints[0].subject != "skin" for item in edits)


def told(**shares: float) -> dict[str, dict[str, Estimate]]:
    marks = {table.mark for table in TABLES}
    return {name: dict.fromkeys(marks, Estimate(share, items=4)) for name, share in shares.items()}


RISING = {"no-GaSDS": 0.1, "no-prior": 0.3, "no-YUV": 0.5, "full: textures": 0.9} | {
    "no-Reg": 0.2,
    "no-SC-weight": 0.4,
    "full: soft weight": 0.9,
}


def test_the_papers_order_is_told_pair_by_pair():
    held = order_holds(told(**RISING))
    assert (held.value, held.items) == (1, 6 + 3)
    assert order_holds(told(**{name: 1 - share for name, share in RISING.items()})).value == 0
    assert order_holds(told(**dict.fromkeys(RISING, 0.5))).value == 0.5
    assert order_holds(told(**{"full: shapes": 0.9, "no-silhouette": 0.1})).value is None


def test_a_table_has_marks_here_beside_the_papers():
    rows = rows_of(told(**RISING))
    assert set(rows) == {
        "Ablation, full: textures: attributes_right",
        "Ablation, full: soft weight: edit_success_in_place",
    }
    assert ["no-Reg", "0.200 of 4", "2.28"] in rows["Ablation, full: soft weight: edit_success_in_place"]


def test_an_edit_that_changes_what_it_does_not_name_did_not_land_in_place():
    rows = [{"in_place": True}, {"in_place": False}, {"in_place": None}]
    found = keys(Judged(edits=[row | {"landed": True, "place": 1, "route": "optimise", "moved": []} for row in rows]))
    assert (found["edit_success_in_place"].value, found["edit_success_in_place"].items) == (0.5, 2)


@pytest.mark.slow
def test_the_whole_command_runs_and_goes_on_where_it_stopped(tmp_path, monkeypatch):
    """With one step a stage, and of each table the first item."""
    few = {table.kind: replace(STARTER, items=showing(STARTER, table.kind).items[:1]) for table in TABLES}
    monkeypatch.setattr(ablations, "showing", lambda items, kind: few[kind])
    steps = {f"{stage}.steps": 1 for stage in ("geometry", "texture", "edit_texture", "edit_geometry")}
    report = evaluate(Asked(tmp_path, ablate=True, settings=steps), lambda event: None)
    assert report.failed == {}
    first = next(iter(report.keys.values()))
    assert first["ablation_order_holds"].value is not None
    assert "no-SC-weight" in (tmp_path / "report.html").read_text()

    def refuse(self, key, work):
        assert key in self, key
        return self.get(key)

    monkeypatch.setattr(Journal, "find", refuse)
    assert evaluate(Asked(tmp_path, ablate=True, settings=steps), lambda event: None).rows == report.rows
