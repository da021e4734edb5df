import json
import re

import pytest

from backend.errors import ItemsInvalid
from backend.evaluation.items import FOLDER, Expected, read
from backend.language import words

HEAD = {"family": "starter"}


def written(tmp_path, *entries):
    path = tmp_path / "some.jsonl"
    path.write_text("\n".join(json.dumps(entry) for entry in entries))
    return path


@pytest.fixture(scope="module")
def starter():
    return read(FOLDER / "starter.jsonl")


def test_the_starter_set_is_as_large_as_promised(starter):
    prompts = [item for item in starter.items if item.kind in ("shape", "colour", "both")]
    assert len(prompts) >= 60
    assert len(starter.of("edit")) >= 40
    assert [len(item.edits) for item in starter.of("sequence")] == [10] * 5


def test_the_standard_run_is_the_one_that_figures_are_told_of(starter):
    shapes = [item for item in starter.of("shape", "standard") if "unseen" not in item.sets]
    assert (len(shapes), len(starter.of("colour", "standard")), len(starter.of("both", "standard"))) == (40, 12, 10)
    assert len(starter.of("edit", "square")) == 10
    assert [len(starter.of(kind, "quick")) for kind in ("shape", "both", "colour")] == [10, 3, 4]


def test_each_axis_is_asked_both_ways_so_that_chance_is_a_half(starter):
    for within in ("standard", "quick"):
        asked = [item.shapes[0] for item in starter.of("shape", within) if "unseen" not in item.sets]
        assert sum(one.sign for one in asked) == 0
        assert len({(one.subject, one.sign) for one in asked}) == len(asked)


def test_the_starter_set_has_no_word_that_is_not_taught(starter):
    said = {word for item in starter.items for prompt in item.prompts for word in re.findall(r"\w+", prompt.lower())}
    assert not said - set(words())


def test_sequences_rotate_twenty_instructions_so_that_each_comes_at_several_places():
    found = read(FOLDER / "sequences.jsonl")
    edits, sequences = found.of("edit"), found.of("sequence")
    assert (len(edits), [len(item.edits) for item in sequences]) == (20, [10] * 6)
    order = [item.id for item in edits] * 2
    assert all(any(list(item.edits) == order[n : n + 10] for n in range(20)) for item in sequences)
    for edit in edits:
        places = [item.edits.index(edit.id) for item in sequences if edit.id in item.edits]
        assert len(set(places)) == len(places) == 3
    assert sum(bool(item.paints) for item in edits) == 10
    assert not {word for item in edits for word in re.findall(r"\w+", item.prompt)} - set(words())


@pytest.mark.parametrize("name", ["paper", "diverse"])
def test_the_other_sets_are_for_the_full_family(name: str):
    found = read(FOLDER / f"{name}.jsonl")
    assert found.family == "full"
    assert len(found.items) > 40
    assert len(found.of("edit", "square")) == 10


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("nose_length+", Expected("nose_length", 1.0)),
        ("age-very", Expected("age", -1.0)),
        ("lips=red", Expected("lips", 0.0, "red")),
        ("mask=None", Expected("mask", 0.0, None)),
    ],
)
def test_labels_are_read(label: str, expected: Expected):
    assert Expected.of(label) == expected


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"id": "a", "kind": "dance", "prompt": "x"}, "an id and a kind"),
        ({"id": "a", "kind": "shape", "prompt": " "}, "needs 'prompt'"),
        ({"id": "a", "kind": "shape", "prompt": "x", "expect": ["lips=plaid"]}, "no label lips=plaid"),
        ({"id": "a", "kind": "shape", "prompt": "x", "sets": ["best"]}, "no set best"),
        ({"id": "a", "kind": "sequence", "edits": ["gone"]}, "no edit gone"),
    ],
)
def test_a_bad_line_is_named(tmp_path, entry, message):
    with pytest.raises(ItemsInvalid, match=message):
        read(written(tmp_path, HEAD, entry))


def test_two_items_of_one_name_are_refused(tmp_path):
    one = {"id": "a", "kind": "shape", "prompt": "x"}
    with pytest.raises(ItemsInvalid, match="two items a"):
        read(written(tmp_path, HEAD, one, one))


def test_a_file_that_is_not_there_names_those_that_are(tmp_path):
    with pytest.raises(ItemsInvalid) as caught:
        read(tmp_path / "none.jsonl")
    assert "starter" in caught.value.advice
