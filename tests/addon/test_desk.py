"""The child process and its jobs, without Blender."""

import os
import signal
import sys
import time

import pytest

from addon.link.bundle import BACKEND_ROOT, BUNDLED, errors, protocol
from addon.link.client import BackendProcess, Ended, Start, child_environment, serve
from addon.link.desk import Desk, Job

CHILD = Start((sys.executable, "-m", "tests.addon.child"))


@pytest.fixture
def desk(tmp_path):
    made = Desk(CHILD, tmp_path, "0.1.0", "test")
    yield made
    made.close()


def until_ended(desk, job, seconds=20.0):
    end = time.monotonic() + seconds
    while job.end is None:
        assert time.monotonic() < end, f"no end of {job} in {seconds} s; {desk.log}"
        desk.poll(0.01)
        time.sleep(0.005)
    return job.end


def until_running(desk, job):
    while not job.total:
        desk.poll(0.01)
        time.sleep(0.005)


def test_in_a_checkout_the_backend_lies_beside():
    assert not BUNDLED
    assert (BACKEND_ROOT / "backend" / "protocol.py").is_file()


def test_a_desk_starts_nothing_before_its_first_job(desk):
    assert not desk.alive()
    assert desk.poll(0.01) == []


def test_a_job_reports_its_steps_and_ends_once(desk):
    job = Job("count", "count")
    desk.submit(job, {"total": 5})
    result = until_ended(desk, job)
    assert result.outputs == {"counted": 5}
    assert (job.phase, job.total) == ("counting", 5)
    assert desk.ready.torch == "none"
    assert desk.alive()


def test_a_cancelled_job_stops_at_its_next_step_and_the_backend_lives(desk):
    job = Job("count", "count")
    desk.submit(job, {"total": 100_000})
    until_running(desk, job)
    began = time.monotonic()
    desk.cancel(job)
    assert until_ended(desk, job) == protocol.Cancelled(job.id)
    assert time.monotonic() - began < 1.0
    again = Job("count", "again")
    desk.submit(again, {"total": 1})
    assert isinstance(until_ended(desk, again), protocol.Result)


def test_a_late_cancel_does_not_touch_the_next_job(desk):
    first, second = Job("count", "first"), Job("count", "second")
    desk.submit(first, {"total": 1})
    until_ended(desk, first)
    desk.cancel(first)
    desk.submit(second, {"total": 3})
    assert isinstance(until_ended(desk, second), protocol.Result)


def test_cancelling_twice_ends_the_backend_and_the_job_counts_as_cancelled(desk):
    job = Job("count", "count")
    desk.submit(job, {"total": 100_000})
    until_running(desk, job)
    desk._process._child.send_signal(signal.SIGSTOP)  # it hears nothing any more
    desk.cancel(job)
    desk.cancel(job)
    assert until_ended(desk, job) == protocol.Cancelled(job.id)


def test_a_killed_backend_is_an_error_of_its_jobs_and_the_next_one_starts_another(desk):
    job = Job("count", "count")
    desk.submit(job, {"total": 100_000})
    until_running(desk, job)
    os.kill(desk._process.pid, signal.SIGKILL)
    end = until_ended(desk, job)
    assert end.code == errors.BackendCrashed.code
    assert "status -9" in end.message
    assert "the child has started" in end.message
    again = Job("count", "again")
    desk.submit(again, {"total": 1})
    assert isinstance(until_ended(desk, again), protocol.Result)


def test_a_job_nobody_knows_is_refused_by_name(desk):
    job = Job("dance", "dance")
    desk.submit(job, {})
    assert "dance" in until_ended(desk, job).message


def test_a_python_that_is_not_there_is_a_named_error(tmp_path):
    with pytest.raises(errors.SpawnFailed, match="nowhere/python"):
        BackendProcess(Start(serve(str(tmp_path / "nowhere/python"))))


def test_an_output_outside_the_scratch_folder_is_refused(desk, tmp_path):
    for outside in ("../elsewhere", "/etc", "", "a/../.."):
        with pytest.raises(errors.PathRefused):
            desk.output(protocol.Result("x", {"face": outside}), "face")
    assert desk.output(protocol.Result("x", {"face": "a/face"}), "face") == tmp_path / "a" / "face"


def test_noise_on_the_pipe_is_logged_and_dropped():
    noise = 'import sys; sys.stdout.write(\'not a message\\n\\x00\\n{"type":"dance"}\\n\'); sys.exit(4)'
    process = BackendProcess(Start((sys.executable, "-c", noise)))
    seen = []
    while not seen:
        seen += process.poll()
        time.sleep(0.005)
    assert isinstance(seen[0], Ended)
    assert seen[0].exit_status == 4
    assert sum("dropped a line" in line for line in seen[0].log) == 3
    process.close()


def test_a_child_that_never_reads_does_not_stop_the_sender():
    process = BackendProcess(Start((sys.executable, "-c", "import time; time.sleep(60)")))
    began = time.monotonic()
    for _ in range(100):
        process.send(protocol.Submit("a", "count", {"words": "x" * 100_000}))
    assert time.monotonic() - began < 1.0
    process.close(patience=0.2)
    assert not process.alive()


def test_what_would_change_the_childs_code_is_not_inherited():
    ours = {"PYTHONPATH": "/x", "LD_PRELOAD": "/y", "PATH": "/bin", "HTTPS_PROXY": "p"}
    kept = child_environment(ours)
    assert "PYTHONPATH" not in kept
    assert "LD_PRELOAD" not in kept
    assert kept["PATH"] == "/bin"
    assert kept["HTTPS_PROXY"] == "p"
