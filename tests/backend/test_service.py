import pytest

from backend.errors import ProtocolError, UnknownOption, UsageError
from backend.service import Conversation, Reporter, arguments
from tests.backend.child import count, write


def test_options_are_checked_before_a_job_starts(tmp_path):
    assert arguments(count, {"total": 3, "pause": 1}, tmp_path, "a") == {"total": 3, "pause": 1.0}
    assert arguments(write, {"out": "a/b", "text": "b"}, tmp_path, "a")["out"] == tmp_path / "a" / "b"
    with pytest.raises(UnknownOption, match="steps"):
        arguments(count, {"total": 3, "steps": 1}, tmp_path, "a")
    with pytest.raises(UsageError, match="total must be given"):
        arguments(count, {}, tmp_path, "a")
    with pytest.raises(ProtocolError, match="total is 'three'"):
        arguments(count, {"total": "three"}, tmp_path, "a")


def test_progress_is_told_at_most_ten_times_a_second_and_always_at_the_end(tmp_path):
    told = []
    reporter = Reporter("a", Conversation(tmp_path, told.append))
    for phase in ("shape", "texture"):
        for step in range(1, 1001):
            reporter.emit({"type": "progress", "phase": phase, "step": step, "total": 1000})
    assert len(told) < 20
    assert [one.step for one in told if one.phase == "texture"][-1] == 1000
