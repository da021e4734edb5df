import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backend import protocol
from backend.errors import PathRefused, ProtocolError, UnknownOption, UsageError
from backend.protocol import Submit
from backend.serve import Reporter, arguments, inside
from tests.backend.child import count, write

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tests.backend.child"]
ENDS = (protocol.Result, protocol.Error, protocol.Cancelled)


class Conversation:
    """A child and what was said; heartbeats are heard and dropped."""

    def __init__(self, *words: str) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.child = subprocess.Popen([*COMMAND, *words], cwd=ROOT, **pipes)

    def say(self, *messages: protocol.Request | bytes) -> None:
        for message in messages:
            line = message if isinstance(message, bytes) else protocol.encode(message)
            self.child.stdin.write(line)
        self.child.stdin.flush()

    def hear(self, *kinds: type) -> protocol.Event:
        """The next event of these kinds."""
        for line in self.child.stdout:
            event = protocol.decode_event(line)
            if isinstance(event, kinds):
                return event
        raise AssertionError(f"the child ended: {self.child.stderr.read().decode()}")


@pytest.fixture
def talk(tmp_path):
    """A conversation past its hello, ended at the end of stdin."""
    talk = Conversation()
    talk.say(protocol.ClientHello("0.1.0", str(tmp_path)))
    yield talk
    talk.child.stdin.close()
    assert talk.child.wait(5) == 0
    talk.child.stdout.close()
    talk.child.stderr.close()


def test_hello_comes_first_then_ready(talk):
    assert isinstance(talk.hear(object), protocol.BackendHello)
    assert talk.hear(protocol.Ready).capabilities == ("count", "write", "fail")


def test_a_job_is_accepted_tells_of_steps_and_ends_once(talk):
    talk.say(Submit("a", "count", {"total": 3}))
    assert talk.hear(protocol.Accepted) == protocol.Accepted("a", 0)
    assert talk.hear(protocol.Progress).phase == "counting"
    assert talk.hear(*ENDS).outputs == {"counted": 3}


def test_noise_on_stdout_goes_to_the_log_and_paths_are_relative(talk, tmp_path):
    talk.say(Submit("a", "write", {"out": "a.txt", "text": "words"}))
    assert talk.hear(*ENDS).outputs == {"file": "a.txt"}
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "words"


@pytest.mark.parametrize("path", ["../a", "/etc/a", "a/../../b", "C:\\a", "..\\a", "", ".", "a\0b", "link/a"])
def test_paths_that_leave_the_scratch_folder_are_refused(path, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "link").symlink_to(tmp_path)
    with pytest.raises(PathRefused):
        inside(scratch, path)
    assert inside(scratch, "a/b c/é.png") == scratch / "a" / "b c" / "é.png"


def test_a_cancel_stops_its_job_and_no_other(talk):
    talk.say(Submit("a", "count", {"total": 10_000}), Submit("b", "count", {"total": 2}))
    talk.hear(protocol.Progress)
    began = time.monotonic()
    talk.say(protocol.Cancel("a"), protocol.Cancel("never was"))
    assert talk.hear(*ENDS) == protocol.Cancelled("a")
    assert time.monotonic() - began < 1
    assert talk.hear(*ENDS).id == "b"
    talk.say(protocol.Cancel("b"), Submit("c", "count", {"total": 1}))
    assert talk.hear(*ENDS).outputs == {"counted": 1}


def test_a_waiting_job_can_be_cancelled(talk):
    talk.say(Submit("a", "count", {"total": 20}), Submit("b", "count", {"total": 10_000}), protocol.Cancel("b"))
    assert talk.hear(protocol.Accepted).queue_position == 0
    assert talk.hear(protocol.Accepted).queue_position == 1
    assert [talk.hear(*ENDS).id, talk.hear(*ENDS)] == ["a", protocol.Cancelled("b")]


def test_failures_are_numbered_and_the_loop_goes_on(talk):
    talk.say(Submit("a", "fail", {"how": "named"}), Submit("b", "fail", {"how": "bug"}), Submit("c", "dance"))
    assert (talk.hear(*ENDS).code, talk.hear(*ENDS).code) == (320, 399)
    assert "no job is called 'dance'" in talk.hear(*ENDS).message


def test_lines_that_are_no_messages_are_answered(talk):
    talk.say(b"nonsense\n", b'{"type": "dance"}\n', b"x" * (protocol.LINE_LIMIT * 2) + b"\n")
    assert [talk.hear(protocol.Error).code for _ in range(3)] == [400, 401, 402]
    talk.say(Submit("a", "count", {"total": 1}), Submit("a", "count", {"total": 1}))
    assert talk.hear(protocol.Error, protocol.Result).id == ""
    assert talk.hear(protocol.Result).id == "a"


def test_unload_and_heartbeats_are_answered(talk):
    talk.say(protocol.Unload())
    talk.hear(protocol.Unloaded)
    assert talk.hear(protocol.Heartbeat).state == "idle"


def test_shutdown_cancels_what_runs_and_says_bye(talk):
    talk.say(Submit("a", "count", {"total": 10_000}), Submit("b", "count", {"total": 1}), protocol.Shutdown())
    assert [talk.hear(*ENDS), talk.hear(*ENDS)] == [protocol.Cancelled("a"), protocol.Cancelled("b")]
    talk.hear(protocol.Bye)


@pytest.mark.parametrize(("version", "scratch"), [((2, 0), "/tmp"), ((1, 0), "here")])
def test_without_a_fitting_hello_nothing_runs(version, scratch):
    talk = Conversation()
    talk.say(protocol.ClientHello("9.0.0", scratch, version), Submit("a", "count", {"total": 1}))
    assert talk.hear(protocol.Error).code in (400, 403)
    assert "before hello" in talk.hear(protocol.Error).message
    talk.child.communicate(timeout=5)


def test_the_end_of_stdin_ends_a_job_that_does_not_look():
    talk = Conversation()
    talk.say(protocol.ClientHello("0.1.0", "/tmp"), Submit("a", "count", {"total": 1, "pause": 60.0}))
    talk.hear(protocol.Progress)
    began = time.monotonic()
    talk.child.communicate(timeout=5)
    assert time.monotonic() - began < 3


@pytest.mark.skipif(os.name == "nt", reason="the end of stdin alone does it there")
def test_a_dead_parent_ends_the_child_though_its_stdin_stays_open():
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    talk = Conversation(str(parent.pid))
    talk.hear(protocol.Ready)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdin.close()
    assert talk.child.wait(5) == 0
    talk.child.communicate()


def test_options_are_checked_before_a_job_starts(tmp_path):
    assert arguments(count, {"total": 3, "pause": 1}, tmp_path) == {"total": 3, "pause": 1.0}
    assert arguments(write, {"out": "a", "text": "b"}, tmp_path)["out"] == tmp_path / "a"
    with pytest.raises(UnknownOption, match="steps"):
        arguments(count, {"total": 3, "steps": 1}, tmp_path)
    with pytest.raises(UsageError, match="total must be given"):
        arguments(count, {}, tmp_path)
    with pytest.raises(ProtocolError, match="total is 'three'"):
        arguments(count, {"total": "three"}, tmp_path)


def test_progress_is_told_at_most_ten_times_a_second_and_always_at_the_end():
    told = []
    reporter = Reporter("a", told.append)
    for phase in ("shape", "texture"):
        for step in range(1, 1001):
            reporter.emit({"type": "progress", "phase": phase, "step": step, "total": 1000})
    assert len(told) < 20
    assert [one.step for one in told if one.phase == "texture"][-1] == 1000
