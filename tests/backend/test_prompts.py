import pytest
from hypothesis import given, strategies as st

from backend.checkpoints import PROFILES
from backend.errors import UsageError
from backend.prompts import VIEWS, Prompt, fitted, negatives_of, phrased

STARTER, FULL = PROFILES["starter"], PROFILES["full"]


def count(text: str) -> int:
    return len(text.split()) + 2


def test_a_family_is_spoken_to_as_it_was_taught():
    said = {stage: phrased("an old man", STARTER, stage).said("side view") for stage in ("geometry", "texture")}
    assert said["geometry"] == ("a clay render of an old man", "a clay render of a person")
    assert said["texture"] == ("a photo of an old man", "")
    away = phrased("an old man", STARTER, "geometry", negatives={"side view": "a beard"})
    assert [away.said(view)[1] for view in ("front view", "side view")] == ["a clay render of a person", "a beard"]
    text, negative = phrased("Emma Watson", FULL, "geometry").said("side view")
    assert text == "a zoomed out DSLR photo of Emma Watson, side view"
    assert "front view" in negative
    assert "side view" not in negative


@given(st.lists(st.text("abc ", min_size=1).filter(str.strip), min_size=1, max_size=4))
def test_commas_part_attributes_and_nothing_is_lost(parts):
    prompt = phrased(",".join(parts), STARTER, "texture", style="x")
    assert prompt.said("front view")[0] == "x " + ", ".join(part.strip() for part in parts)
    assert len(prompt.attributes) == len(parts) - 1


def test_a_style_of_the_settings_comes_before_the_familys():
    assert phrased("an old man", FULL, "texture", "a sketch of").style == "a sketch of"


def test_negatives_are_for_all_views_or_for_one():
    assert set(negatives_of((), STARTER).values()) == {""}
    given_ = negatives_of(("fat", "side view = thin"), FULL)
    assert given_ == {"front view": "fat", "side view": "thin", "back view": "fat"}
    with pytest.raises(UsageError, match="top view"):
        negatives_of(("top view=fat",), FULL)


def test_the_document_holds_every_view():
    document = phrased("an old man, red lips", FULL, "texture").document()
    assert document["attributes"] == ["red lips"]
    assert set(document["view"]) == set(document["negative"]) == set(VIEWS)


@given(st.lists(st.sampled_from(["red", "big", "a,", "nose"]), min_size=1, max_size=40), st.integers(12, 30))
def test_what_is_too_long_loses_its_end_and_keeps_its_view(words, limit):
    whole = phrased(" ".join(words).strip(",") or "a", FULL, "geometry")
    prompt, cut = fitted(whole, count, limit)
    assert all(count(prompt.said(view)[0]) <= limit for view in VIEWS)
    assert prompt.said("back view")[0].endswith(", back view")
    if not cut:
        assert prompt == whole
    kept = ", ".join([prompt.subject, *prompt.attributes]).replace(",", " ").split()
    assert kept + cut.split() == ", ".join([whole.subject, *whole.attributes]).replace(",", " ").split()


def test_a_style_that_is_too_long_by_itself_ends_too():
    assert fitted(Prompt("a man", "word " * 90), count, 77)[0].subject == ""
