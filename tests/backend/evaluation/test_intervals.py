import pytest

from backend.evaluation.intervals import extreme, mean, median, nothing, share


def test_wilsons_interval_is_the_published_one():
    """Newcombe 1998, table I, method 3: 81 of 263 and 0 of 20."""
    found = share([True] * 81 + [False] * 182)
    assert (found.low, found.high) == (pytest.approx(0.2553, abs=1e-3), pytest.approx(0.3662, abs=1e-3))
    found = share([False] * 20)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(0.1611, abs=1e-3)


def test_an_interval_holds_its_value_and_narrows_with_items():
    few, many = mean([1.0, 2.0, 4.0]), mean([1.0, 2.0, 4.0] * 20)
    assert few.low <= few.value <= few.high
    assert many.high - many.low < few.high - few.low
    assert few == mean([1.0, 2.0, 4.0])


def test_one_item_has_a_median_and_no_interval():
    assert median([3.0]).document() == {"value": 3.0, "low": None, "high": None, "items": 1}


def test_what_was_not_measured_says_why():
    assert share([]).value is None
    assert "skipped" in nothing("skipped here").words()
    assert extreme([], max, "none ran").why == "none ran"
    assert extreme([1.0, 5.0], max).value == 5


def test_words_name_items_and_interval():
    assert share([True, True, False, True]).words() == "0.75 [0.30, 0.95] of 4"
