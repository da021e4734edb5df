import pytest

from backend.errors import Cancelled, NotANumber, UsageError
from backend.evaluation.journal import NAME, Journal


def refuse():
    raise AssertionError("it was known")


def test_what_was_found_is_not_found_again(tmp_path):
    assert Journal(tmp_path, {"items": 1}).find("a", lambda: {"x": 1.5}) == {"x": 1.5}
    again = Journal(tmp_path, {"items": 1})
    assert "a" in again
    assert again.find("a", refuse) == {"x": 1.5}


def test_a_line_cut_short_by_a_kill_is_found_anew(tmp_path):
    journal = Journal(tmp_path, {})
    journal.find("a", lambda: {"x": 1})
    journal.find("b", lambda: {"x": 2})
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[:-5])
    again = Journal(tmp_path, {})
    assert again.find("a", refuse) == {"x": 1}
    assert again.find("b", lambda: {"x": 3}) == {"x": 3}
    assert Journal(tmp_path, {}).get("b") == {"x": 3}


def test_a_failure_is_reported_and_tried_again_by_the_next_run(tmp_path):
    def fail():
        raise NotANumber("the loss became nan")

    journal = Journal(tmp_path, {})
    assert journal.find("a", fail) is None
    assert "the loss became nan" in journal.failed["a"]
    assert journal.find("b", lambda: {"x": 1}) == {"x": 1}
    assert Journal(tmp_path, {}).find("a", lambda: {"x": 2}) == {"x": 2}


def test_what_the_user_stops_is_no_failure(tmp_path):
    def stop():
        raise Cancelled("stopped")

    journal = Journal(tmp_path, {})
    with pytest.raises(Cancelled):
        journal.find("a", stop)
    assert not journal.failed


def test_another_runs_findings_are_refused(tmp_path):
    Journal(tmp_path, {"steps": 10})
    with pytest.raises(UsageError, match="another run"):
        Journal(tmp_path, {"steps": 20})
