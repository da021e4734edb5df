"""The child process and its jobs, without Blender."""

import os
import shutil
import signal
import sys
import time

import pytest

from addon.link.bundle import BACKEND_ROOT, BUNDLED, errors, protocol
from addon.link.client import BackendProcess, Ended, Start, child_environment, remote, serve
from addon.link.desk import RESTARTS, SETTLED_S, Desk, Job
from addon.link.inprocess import InProcess
from backend.face import saved
from backend.service import Service

from . import child

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


def crashed(desk, job):
    """Ends the backend of a running job as the system would."""
    desk.submit(job, {"total": 100_000})
    until_running(desk, job)
    os.kill(desk._process.pid, signal.SIGKILL)
    return until_ended(desk, job)


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


def test_how_long_it_takes_is_not_said_before_there_is_something_to_go_by():
    job = Job("generate", "a man")
    job.advance(protocol.Progress(job.id, phase="shape", step=1, total=100, eta_s=0.0))
    assert job.seconds_left is None
    job.phase_started -= SETTLED_S
    assert job.seconds_left == 0.0
    job.advance(protocol.Progress(job.id, phase="shape", step=1, total=100))
    assert job.seconds_left == pytest.approx(99 * SETTLED_S, rel=0.1)


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
    assert desk.cancel_label(job) == "Cancel"
    desk.cancel(job)
    assert desk.cancel_label(job) == "Cancelling"
    job.cancelled -= 6
    assert desk.cancel_label(job) == "Stop Now"
    desk.cancel(job)  # a stopped process does not hear this either, so that it is killed
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


def test_a_backend_that_keeps_stopping_is_not_started_for_ever(desk):
    for _ in range(RESTARTS):
        assert crashed(desk, Job("count", "count")).code == errors.BackendCrashed.code
    with pytest.raises(errors.RestartStorm, match="3 times within 60 s"):
        desk.submit(Job("count", "count"), {"total": 1})
    desk.forgive()
    job = Job("count", "count")
    desk.submit(job, {"total": 1})
    assert isinstance(until_ended(desk, job), protocol.Result)


@pytest.mark.skipif(os.name == "nt", reason="SIGSTOP")
def test_a_backend_that_was_stopped_for_a_while_goes_on(desk):
    job = Job("count", "count")
    desk.submit(job, {"total": 300})
    until_running(desk, job)
    os.kill(desk._process.pid, signal.SIGSTOP)
    time.sleep(1.5)
    desk._process._heard -= 121
    assert "not responding for 12" in desk.state
    os.kill(desk._process.pid, signal.SIGCONT)
    assert isinstance(until_ended(desk, job), protocol.Result)
    assert desk.state == "idle"


def test_a_preview_is_there_while_the_job_runs(desk):
    job = Job("picture", "picture")
    desk.submit(job, {"out": f"{desk.folder(job).name}/picture.png"})
    while not job.preview and job.end is None:
        desk.poll(0.01)
        time.sleep(0.005)
    assert desk.inside(job.preview).read_bytes() == b"a picture"
    assert isinstance(until_ended(desk, job), protocol.Result)


def test_a_remote_backend_gets_and_gives_files_through_the_pipe(tmp_path):
    here = Desk(Start((*CHILD.command,), remote=True), tmp_path / "here", "0.1.0", "test")
    first, second = Job("generate", "a man"), Job("edit", "older")
    here.submit(first, {"prompt": "a man", "out": f"{first.id}/face"})
    result = until_ended(here, first)
    face = here.output(result, "face")
    assert (face / "albedo.png").stat().st_size
    shutil.copytree(face, here.folder(second) / "parent")
    here.submit(second, {"face": f"{second.id}/parent", "instruction": "older", "out": f"{second.id}/face"})
    changed = saved.load(here.output(until_ended(here, second), "face"))
    assert [layer.instruction for layer in changed.layers] == ["older"]
    here.close()


def test_a_remote_command_is_the_prefix_and_one_shell_word():
    start = remote("ssh -T me@box", "~/face wright")
    assert start.command[:3] == ("ssh", "-T", "me@box")
    assert start.command[3] == "cd ~'/face wright' && exec python3 -m backend serve"
    with pytest.raises(errors.UsageError, match="no command"):
        remote("ssh 'box", "x")


def test_in_process_is_the_same_conversation(tmp_path):
    here = Desk(None, tmp_path, "0.1.0", "test")
    here._process = InProcess(Service(child.JOBS, lambda: protocol.Ready("none"), lambda keep: None))
    here._process.send(here._hello)
    job, endless = Job("generate", "a man"), Job("count", "count")
    here.submit(job, {"prompt": "a man", "out": f"{job.id}/face"})
    assert here.output(until_ended(here, job), "face") == tmp_path.resolve() / job.id / "face"
    here.submit(endless, {"total": 100_000})
    until_running(here, endless)
    here.cancel(endless)
    assert until_ended(here, endless) == protocol.Cancelled(endless.id)
    here.close()
    assert not here.alive()


def test_why_a_backend_cannot_run_is_the_error_of_its_jobs(tmp_path):
    words = ("-c", "import sys; print(sys.argv[1], flush=True)", protocol.encode(protocol.Error("", 104, "t", "m")))
    here = Desk(Start((sys.executable, *words)), tmp_path, "0.1.0", "test")
    job = Job("count", "count")
    here.submit(job, {"total": 1})
    assert until_ended(here, job) == protocol.Error(job.id, 104, "t", "m")
    here.close()


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
