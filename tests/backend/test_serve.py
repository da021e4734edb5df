import base64
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backend import protocol
from backend.protocol import Submit
from backend.serve import WAITING

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
    assert talk.hear(protocol.Ready).capabilities == ("count", "write", "fail", "picture", "greedy")


def test_a_job_is_accepted_tells_of_steps_and_ends_once(talk):
    talk.say(Submit("a", "count", {"total": 3}))
    assert talk.hear(protocol.Accepted) == protocol.Accepted("a", 0)
    assert talk.hear(protocol.Progress).phase == "counting"
    assert talk.hear(*ENDS).outputs == {"counted": 3}


def test_noise_on_stdout_goes_to_the_log_and_paths_are_relative(talk, tmp_path):
    (tmp_path / "a").mkdir()
    talk.say(Submit("a", "write", {"out": "a/a.txt", "text": "words"}))
    result = talk.hear(*ENDS)
    assert result.outputs == {"file": "a/a.txt"}
    assert result.files == (protocol.File("a/a.txt", 5, hashlib.sha256(b"words").hexdigest()),)
    assert (tmp_path / "a" / "a.txt").read_text(encoding="utf-8") == "words"


def test_a_job_whose_files_are_not_those_that_were_sent_does_not_start(talk, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "in.txt").write_bytes(b"other")
    sent = protocol.File("a/in.txt", 5, hashlib.sha256(b"words").hexdigest())
    talk.say(Submit("a", "count", {"total": 1}, (sent,)))
    assert talk.hear(*ENDS).code == 405
    talk.say(Submit("b", "count", {"total": 1}, (sent,)))
    assert talk.hear(*ENDS).code == 404


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
    assert [talk.hear(*ENDS), talk.hear(*ENDS).id] == [protocol.Cancelled("b"), "a"]  # it does not wait its turn


def test_only_so_many_jobs_may_wait(talk):
    talk.say(*(Submit(f"job{number}", "count", {"total": 10_000}) for number in range(WAITING + 1)))
    assert talk.hear(*ENDS).code == 406
    talk.say(protocol.Shutdown())
    ended = [talk.hear(*ENDS) for _ in range(WAITING)]
    assert {one.id for one in ended} == {f"job{number}" for number in range(WAITING)}


def test_where_memory_is_full_models_are_freed_and_the_job_runs_again(talk):
    talk.say(Submit("a", "greedy"))
    assert isinstance(talk.hear(*ENDS), protocol.Result)


def test_previews_are_files_twice_a_second(talk, tmp_path):
    (tmp_path / "a").mkdir()
    talk.say(Submit("a", "picture", {"count": 24, "place": "a/now.png"}))
    previews = []
    while isinstance(event := talk.hear(protocol.Preview, *ENDS), protocol.Preview):
        previews.append(event)
        assert (tmp_path / event.file).read_bytes() == b"picture %d" % event.step
    assert 2 <= len(previews) <= 4
    assert len(list((tmp_path / "a").iterdir())) <= 3


def test_an_idle_backend_frees_its_models(tmp_path):
    talk = Conversation()
    talk.say(protocol.ClientHello("0.1.0", str(tmp_path), idle_s=0.2), Submit("a", "count", {"total": 1}))
    assert talk.hear(*ENDS).id == "a"
    assert talk.hear(protocol.Unloaded, protocol.Heartbeat).free_mb == 123.0
    talk.child.communicate(timeout=5)


def test_without_a_shared_disk_files_come_and_go_in_chunks(tmp_path):
    talk = Conversation()
    there = protocol.File("a/in.txt", 3, hashlib.sha256(b"abc").hexdigest())
    talk.say(
        protocol.ClientHello("0.1.0", ""),
        protocol.Chunk("a", "a/in.txt", base64.b64encode(b"ab").decode()),
        protocol.Chunk("a", "a/in.txt", base64.b64encode(b"c").decode(), last=True),
        Submit("a", "write", {"out": "a/out.txt", "text": "words"}, (there,)),
    )
    chunk = talk.hear(protocol.Chunk, *ENDS)
    assert (chunk.path, base64.b64decode(chunk.data), chunk.last) == ("a/out.txt", b"words", True)
    assert [file.path for file in talk.hear(*ENDS).files] == ["a/out.txt"]
    talk.say(protocol.Chunk("b", "b/../../x", "YWJj", last=True), Submit("b", "count", {"total": 1}))
    assert talk.hear(*ENDS).code == 404
    talk.child.communicate(timeout=5)


def test_failures_are_numbered_and_the_loop_goes_on(talk):
    talk.say(Submit("a", "fail", {"how": "named"}), Submit("b", "fail", {"how": "bug"}), Submit("c", "dance"))
    assert (talk.hear(*ENDS).code, talk.hear(*ENDS).code) == (320, 399)
    assert "no job is called 'dance'" in talk.hear(*ENDS).message


def test_lines_that_are_no_messages_are_answered(talk):
    talk.say(b"nonsense\n", b'{"type": "dance"}\n', b"x" * (protocol.LINE_LIMIT * 2) + b"\n")
    assert [talk.hear(protocol.Error).code for _ in range(3)] == [400, 401, 402]
    talk.say(Submit("a", "count", {"total": 1}), Submit("a", "count", {"total": 1}), Submit("../a", "count"))
    ends = [talk.hear(protocol.Error, protocol.Result).id for _ in range(3)]
    assert sorted(ends) == ["", "", "a"]


def test_unload_and_heartbeats_are_answered(talk):
    talk.say(protocol.Unload())
    talk.hear(protocol.Unloaded)
    assert talk.hear(protocol.Heartbeat).state == "idle"


def test_shutdown_cancels_what_runs_and_says_bye(talk):
    talk.say(Submit("a", "count", {"total": 10_000}), Submit("b", "count", {"total": 1}), protocol.Shutdown())
    assert {talk.hear(*ENDS), talk.hear(*ENDS)} == {protocol.Cancelled("a"), protocol.Cancelled("b")}
    talk.hear(protocol.Bye)


@pytest.mark.parametrize(("version", "scratch"), [((2, 0), "/tmp"), ((1, 0), "here")])
def test_without_a_fitting_hello_nothing_runs(version, scratch):
    talk = Conversation()
    talk.say(protocol.ClientHello("9.0.0", scratch, version), Submit("a", "count", {"total": 1}))
    assert talk.hear(protocol.Error).code in (400, 403)
    end = talk.hear(protocol.Error)
    assert (end.id, end.code) == ("a", 403 if version == (2, 0) else 400)
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
