"""Edits in a row: what was reached, what lasted, what moved that nobody named."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.evaluation.appearance import LARGE
from backend.evaluation.evaluating import Asked, evaluate
from backend.evaluation.items import Expected, Item
from backend.evaluation.sequences import Told, later_on, names_too, over_all, presets_of, rows_of, tables_of
from backend.language import SHAPES, THING, THINGS

SKIN = (200.0, 160.0, 140.0)


def edit(words: str, label: str) -> Item:
    return Item(words, "edit", (words,), (Expected.of(label),))


RED, PURPLE, BEARD = (
    edit("red lips", "lips=red"),
    edit("purple lips", "lips=purple"),
    edit("a grey beard", "beard=grey"),
)
DARK, LONGER, WIDER = (
    edit("dark skin", "skin=dark"),
    edit("longer nose", "nose_length+"),
    edit("wider chin", "chin_width+"),
)
OLDER = edit("older", "age+")
SEQUENCE = Item("sequence 1", "sequence")


@pytest.fixture(scope="module")
def places() -> dict[str, np.ndarray]:
    """Lips and beard apart, skin everywhere, other things nowhere."""
    square = np.zeros((8, 8), bool)
    found = {thing.name: square.copy() for thing in THINGS}
    found["lips"][:2], found["beard"][4:6], found["skin"][:] = True, True, True
    return found


def facts(before: dict, after: dict, moved: dict | None = None, was: dict | None = None, leak: float = 0.0) -> dict:
    plain = {thing.name: SKIN for thing in THINGS}
    still = {axis.name: 0.0 for axis in SHAPES}
    told = {
        "colours_before": plain | before,
        "colours": plain | after,
        "seconds": 1.0,
        "unet_calls": 3,
        "identity_mm": 0,
    }
    regions = dict.fromkeys(LARGE, SKIN)
    elsewhere = {name: tuple(value - leak for value in colour) for name, colour in regions.items()}
    told |= {"positions_before": still | (was or {}), "positions": still | (was or {}) | (moved or {})}
    outside = {"texels_changed_outside": 0, "vertices_changed_outside": 0}
    return told | {"regions_before": regions, "regions": elsewhere, "outside": outside, "route": "optimise"}


def of(thing: str, colour: str) -> dict:
    return {thing: tuple(map(float, THING[thing].colours[colour]))}


def test_a_later_edit_names_the_same_where_places_meet_or_parts_are_one(places):
    assert names_too(PURPLE, RED, places)
    assert not names_too(BEARD, RED, places)
    assert names_too(DARK, RED, places)
    assert not names_too(LONGER, RED, places)
    assert not names_too(WIDER, LONGER, places)
    assert names_too(OLDER, LONGER, places)


def test_what_lasts_and_what_does_not_is_told_by_the_end(places):
    red, grey = of("lips", "red"), of("beard", "grey")
    kept = [facts({}, red), facts(red, red, {"nose_length": 0.8}), facts(red, red | grey, was={"nose_length": 0.8})]
    first, second, last = rows_of(SEQUENCE, 0, [RED, LONGER, BEARD], kept, places)
    assert (first["reached"], first["moved_later"], first["still"]) == (True, 0, True)
    assert (second["reached"], second["moved_later"], second["still"]) == (True, None, True)
    assert (last["reached"], last["moved_later"], last["still"]) == (True, None, None)
    lost = [kept[0], facts(red, grey)]
    first, _ = rows_of(SEQUENCE, 0, [RED, BEARD], lost, places)
    assert first["reached"]
    assert not first["still"]
    assert first["moved_later"] > 12
    assert later_on(RED, kept[0], kept[2]) == {"moved_later": 0, "still": True}


def test_an_edit_that_a_later_one_names_is_not_held_to_it_and_one_that_failed_was_not_reached(places):
    red, purple = of("lips", "red"), of("lips", "purple")
    rows = rows_of(SEQUENCE, 0, [RED, BEARD, PURPLE], [facts({}, red), None, facts(red, purple)], places)
    assert [row["reached"] for row in rows] == [True, False, True]
    assert rows[0]["moved_later"] is None
    told = Told()
    told.judged.edits = rows
    assert told.keys()["sequence_reached"].value == pytest.approx(2 / 3, abs=1e-3)
    assert told.keys()["edit_success"].items == 2


def test_an_edit_is_in_place_unless_one_region_that_it_does_not_name_moves(places):
    red = of("lips", "red")
    found = facts({}, red)
    found["regions"] = found["regions"] | {"chin": (200.0, 130.0, 110.0)}
    kept, leaked = (rows_of(SEQUENCE, 0, [RED], [one], places)[0] for one in (facts({}, red), found))
    assert (kept["in_place"], kept["leak_delta_e_worst"]) == (True, 0)
    assert leaked["landed"]
    assert not leaked["in_place"]
    assert leaked["leak_delta_e_worst"] > 2 > leaked["leak_delta_e"]
    (whole,) = rows_of(SEQUENCE, 0, [DARK], [facts({}, of("skin", "dark"))], places)
    assert (whole["landed"], whole["in_place"], whole["leak_delta_e_worst"]) == (True, None, None)


def test_regions_that_no_edit_names_tell_how_far_a_sequence_drifts():
    assert over_all([RED], [facts({}, {})]) == {"unnamed_delta_e": 0}
    assert over_all([RED], [facts({}, {}), facts({}, {}, leak=30)])["unnamed_delta_e"] > 5
    assert over_all([DARK], [facts({}, {})]) == {"unnamed_delta_e": None}
    assert over_all([RED], [None]) == {"unnamed_delta_e": None}


def test_tables_have_a_column_a_place_and_a_line_a_preset(places):
    told = Told(whole=[{"id": "sequence 1", "face": "there", "unnamed_delta_e": 0.5}])
    red = of("lips", "red")
    told.judged.edits = rows_of(SEQUENCE, 0, [RED, LONGER], [facts({}, red), facts(red, red)], places)
    found = tables_of({"recommended": told, "released": Told()})
    reached = found["Targets reached at each place"]
    assert reached[0] == ["place", "1", "2", "all"]
    assert reached[1] == ["recommended", "1 of 1", "0 of 1", "1 of 2"]
    assert found["Last faces (render FACE --strip shows the edits)"][1] == ["sequence 1", "there", "–"]


def test_both_presets_take_what_is_set():
    ours, theirs = presets_of({"edit_texture.steps": 3})
    assert (ours.name, theirs.name) == ("recommended", "released")
    assert ours.edit_texture.steps == theirs.edit_texture.steps == 3


@pytest.mark.slow
def test_a_sequence_runs_and_goes_on_where_it_was_stopped(tmp_path: Path):
    lines: list[dict[str, Any]] = [{"family": "starter"}]
    for item, label in ((RED, "lips=red"), (BEARD, "beard=grey"), (LONGER, "nose_length+")):
        lines.append({"id": item.id, "kind": "edit", "instruction": item.id, "expect": [label]})
    lines.append({"id": "a row", "kind": "sequence", "edits": [RED.id, LONGER.id, BEARD.id]})
    items = tmp_path / "few.jsonl"
    items.write_text("\n".join(map(json.dumps, lines)))
    steps = {f"{stage}.steps": 1 for stage in ("edit_texture", "edit_geometry")}
    asked = Asked(tmp_path / "out", str(items), sequences=True, settings=steps)

    def stop(event):
        if (event["phase"], event["step"]) == ("released", 5):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(asked, stop)
    report = evaluate(asked, lambda event: None)
    assert report.failed == {}
    assert [len(rows.edits) for rows in report.rows.values()] == [3, 3]
    assert report.keys["recommended"]["texels_changed_outside_masks"].value == 0
    assert "Targets reached at each place" in (tmp_path / "out" / "report.html").read_text()
