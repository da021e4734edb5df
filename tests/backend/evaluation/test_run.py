"""A run with labs that know the right answers, or guess: what the keys and the controls say of them."""

import random
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest

from backend.errors import NotANumber
from backend.evaluation.appearance import LARGE
from backend.evaluation.items import FOLDER, read
from backend.evaluation.journal import Journal
from backend.evaluation.judging import elsewhere
from backend.evaluation.keys import Judged, keys, verdict
from backend.evaluation.lab import NOBODY, Gauges, Lab
from backend.evaluation.measures import NAMES
from backend.evaluation.report import Report
from backend.evaluation.run import Plan, Run
from backend.language import SHAPES, THINGS
from backend.settings import RECOMMENDED
from backend.workshop import open_workshop

AXES = [axis.name for axis in SHAPES]
STARTER = read(FOLDER / "starter.jsonl")
ITEMS = replace(STARTER, items=tuple(item for item in STARTER.items if item.kind not in ("edit", "sequence")))
GAUGES = Gauges(open_workshop())
ANSWERS = {prompt: item.expect for item in ITEMS.items for prompt in item.prompts}


@dataclass(frozen=True)
class Told(Lab):
    """A lab that reads the answers instead of running anything; with `skill` 0 it guesses."""

    skill: float = 1.0

    def shape(self, prompt: str, seed: int) -> dict:
        rng = random.Random(f"{prompt} {seed} {self.skill}")
        positions = {axis: rng.uniform(-0.3, 0.3) for axis in AXES}
        for one in ANSWERS.get(prompt, ()):
            if one.is_shape:
                degree = 0.3 if "slightly" in prompt else 1.5 if "very" in prompt else 0.9
                positions[one.subject] += self.skill * one.sign * degree
        mesh = {"flipped": 0, "crossing": 0, "lid_gap_mm": 0.1, "lip_gap_mm": None}
        cost = {"seconds": 2.0, "unet_calls": 400}
        return {"positions": positions, "scores": [0.0] * len(NAMES), "mahalanobis": 5.0, "mesh": mesh, **cost}

    def colour(self, prompt: str, seed: int) -> dict:
        colours = {thing.name: (200.0, 160.0, 140.0) for thing in THINGS}
        for one in ANSWERS.get(prompt, ()):
            known = next(thing.colours for thing in THINGS if thing.name == one.subject) if one.colour else {}
            if self.skill and one.colour in known:
                colours[one.subject] = tuple(map(float, known[one.colour]))
        quality = {"seam_energy": 1.0, "saturation": [1.0] + [0.0] * 9}
        regions = dict.fromkeys(LARGE, (200.0, 160.0, 140.0))
        return {"colours": colours, "regions": regions, "texture": quality, "seconds": 3.0, "unet_calls": 320}

    def both(self, prompt: str, seed: int) -> dict:
        return self.colour(prompt, seed) | self.shape(prompt, seed)


def told(skill: float, kind: type[Told] = Told) -> Told:
    return kind(open_workshop(), RECOMMENDED, Path("nowhere"), GAUGES, skill)


def judged(tmp_path, lab, untrained, within="standard", seeds=1):
    run = Run(lab, untrained, Plan(ITEMS, within, seeds, 0, controls=True), Journal(tmp_path, {}), lambda event: None)
    return run, run.judged()


def test_a_lab_that_knows_the_answers_gets_full_marks_and_passes_the_controls(tmp_path):
    _, found = judged(tmp_path, told(1), told(0))
    found_keys = keys(found)
    for key in ("attribute_right_way", "three_attributes_right", "unseen_phrasing_right_way", "degree_order"):
        assert found_keys[key].value == 1, key
    assert found_keys["attribute_right_way"].items == 40
    assert found_keys["colour_delta_e_median"].value == found_keys["colour_leak_delta_e_median"].value == 0
    assert found_keys["worst_tone_group_delta_e"].value == 0
    assert verdict(found_keys) == []


def test_a_lab_that_guesses_lies_at_chance(tmp_path):
    found_keys = keys(judged(tmp_path, told(0), told(0))[1])
    assert found_keys["attribute_right_way"].low < 0.5 < found_keys["attribute_right_way"].high
    assert found_keys["attribute_selectivity"].value < 0.3
    assert found_keys["colour_hit"].value < 0.2


def test_networks_that_learnt_nothing_and_still_land_words_make_the_run_invalid(tmp_path):
    broken = verdict(keys(judged(tmp_path, told(1), told(1))[1]))
    assert any("attribute_right_way_untrained" in words for words in broken)
    assert any("colour_hit_untrained" in words for words in broken)


def test_an_item_that_fails_is_told_and_the_others_count(tmp_path):
    class Failing(Told):
        def shape(self, prompt, seed):
            if prompt == "a person with a long nose":
                raise NotANumber("the loss became nan")
            return super().shape(prompt, seed)

    run, found = judged(tmp_path, told(1, Failing), told(0), within="quick")
    assert len(found.shape) == 9
    assert [key for key in run.journal.failed if "long nose" in key]


def test_a_second_run_asks_nothing_again(tmp_path):
    first, found = judged(tmp_path, told(1), told(0), within="quick")

    class Refusing(Told):
        def shape(self, prompt, seed):
            raise AssertionError(prompt)

        colour = both = shape

    again = Run(told(1, Refusing), told(0, Refusing), first.plan, Journal(tmp_path, {}), lambda event: None).judged()
    assert again == found


def test_a_leak_is_looked_for_where_nothing_was_asked_for():
    assert "forehead" in elsewhere({"lips"}, LARGE)
    assert "lips" not in elsewhere({"lips"}, LARGE)
    assert not {"chin", "lips"} & set(elsewhere({"beard"}, LARGE))
    assert elsewhere({"skin"}, LARGE) == []
    assert all(elsewhere({thing.name}, LARGE) for thing in THINGS if thing.name != "skin")


def test_progress_ends_where_it_was_said_to(tmp_path):
    events = []
    plan = Plan(ITEMS, "quick", 2, 0, controls=True)
    Run(told(1), told(0), plan, Journal(tmp_path, {}), events.append).judged()
    assert events[-1]["step"] <= events[-1]["total"] <= events[-1]["step"] + 4


def test_the_report_shows_all_of_it_and_needs_nothing_beside_it(tmp_path):
    _, found = judged(tmp_path, told(1), told(1), within="quick")
    found_keys = {"recommended": keys(found)}
    report = Report(
        {"title": "A <run>"},
        found_keys,
        {"recommended": found},
        verdict(found_keys["recommended"]),
        {"paper": "no"},
        {},
    )
    report.write(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "A &lt;run&gt;" in page
    assert "a person with a long nose" in page
    assert "invalid" in page
    assert "http" not in page
    lines = (tmp_path / "report.csv").read_text().splitlines()
    assert len(lines) > 30
    summary = report.summary()
    assert summary["valid"] is False
    assert summary["clip_score"] is None
    assert "weights" in summary["null_because"]["clip_score"]
    assert summary["intervals"]["attribute_right_way"][2] == 10


@pytest.mark.parametrize("row", range(10))
def test_edits_are_placed_so_that_each_follows_each(row: int):
    plan = Plan(STARTER, "standard", 1, 10, controls=False)
    rows = [[item.id for item in items] for _, _, items in plan.rows_of_edits]
    assert len(rows) == 10
    assert sorted(rows[row]) == sorted(rows[0])
    assert len({one[row] for one in rows}) == 10
    assert len({pair for one in rows for pair in pairwise(one)}) == 90
    assert NOBODY not in ANSWERS


def test_shapes_are_edited_by_slider_in_the_square_and_by_the_networks_beside_it():
    plan = Plan(STARTER, "quick", 1, 1, controls=False)
    assert {items[0].id for _, _, items in plan.local_shapes} == {
        "make his nose longer",
        "make his chin wider",
        "make his ears bigger",
    }
    assert all("optimised" in name and len(items) == 1 for name, _, items in plan.local_shapes)
    assert replace(plan, rows=0).local_shapes == []


def test_both_ways_of_an_edit_of_shape_are_told_apart():
    def row(route: str, landed: bool, **more):
        told = {"texels_outside": 0, "vertices_outside": 0, "seconds": 1.0, "identity_mm": 0.1, "place": 1, **more}
        return {"route": route, "landed": landed, "moved": [0.5], "delta_e": [], **told}

    painted = row("optimise", True) | {"moved": [], "delta_e": [3.0], "mask_iou": 0.9, "mask_area_over_region": 1.0}
    by_networks = row("optimise", False, shape_mask_iou=0.4, shape_mask_kept=0.8)
    found = keys(Judged(edits=[row("slider", True), painted], optimised=[by_networks]))
    assert (found["shape_success_by_slider"].value, found["shape_success_by_networks"].value) == (1, 0)
    assert (found["mask_iou_median"].value, found["shape_mask_iou_median"].value) == (0.9, 0.4)
    assert found["edit_success"].items == 2
    assert found["texels_changed_outside_masks"].items == 3
