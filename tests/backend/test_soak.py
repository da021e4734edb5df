"""What must hold however often it is tried. CI tries a few times; the marker `soak` tries as often as is promised."""

import io
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from addon.link.bundle import errors, protocol
from addon.link.client import Ended, Link, Start
from addon.link.desk import Desk, Job
from addon.link.logs import Log
from backend import memory
from backend.face import saved
from backend.serve import Server
from backend.service import Service
from tests.toys import toy_face

ROOT = Path(__file__).parents[2]
CHILD = (sys.executable, "-m", "tests.addon.child")
PARENT = """
import sys, time
from pathlib import Path
from addon.link.client import BackendProcess, Start
from addon.link.bundle import protocol
scratch, *command = sys.argv[1:]
process = BackendProcess(Start(tuple(command)))
process.send(protocol.ClientHello("soak", scratch))
process.send(protocol.Submit("a", "count", {"total": 100000}))
while not any(isinstance(one, protocol.Progress) for one in process.poll()):
    time.sleep(0.005)
print(process.pid, flush=True)
time.sleep(600)
"""
posix = pytest.mark.skipif(os.name == "nt", reason="signals")


def often(few, many):
    return pytest.mark.parametrize("times", [few, pytest.param(many, marks=pytest.mark.soak)])


def gone(pid):
    """Whether a process has ended; one that only waits to be reaped has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@posix
@often(1, 100)
def test_no_backend_outlives_its_parent(times, tmp_path):
    slowest = 0.0
    for _ in range(times):
        words = [sys.executable, "-c", PARENT, str(tmp_path), *CHILD]
        parent = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE)
        child = int(parent.stdout.readline())
        parent.kill()
        began = time.monotonic()
        while not gone(child):
            assert time.monotonic() - began < 2, f"after {slowest:.2f} s at most in the runs before"
            time.sleep(0.01)
        slowest = max(slowest, time.monotonic() - began)
        parent.wait()
        parent.stdout.close()
    print(f"slowest of {times}: {slowest:.3f} s")  # noqa: T201 - the figure of the soak


@posix
@often(3, 200)
def test_a_backend_killed_at_any_moment_harms_no_face(times, tmp_path):
    draw = random.Random(times)
    desk = Desk(Start(CHILD), tmp_path, "0.1.0", "soak")
    parent = saved.save(toy_face(), tmp_path / "parent")
    before = {path: path.read_bytes() for path in parent.rglob("*") if path.is_file()}
    whole = 0
    for number in range(times):
        job = Job("edit", "older")
        place = desk.folder(job)
        for path in before:
            target = place / "parent" / path.relative_to(parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        desk.forgive()
        desk.submit(job, {"face": f"{job.id}/parent", "instruction": "older", "out": f"{job.id}/face"})
        began, last = time.monotonic(), draw.random() * (1.0 if number % 2 else 4.0)
        while job.end is None and time.monotonic() - began < last:
            desk.poll(0.01)
            time.sleep(0.002)
        os.kill(desk._process.pid, signal.SIGKILL)
        while job.end is None or desk.alive():
            assert time.monotonic() - began < 60
            desk.poll(0.01)
            time.sleep(0.002)
        assert {path: path.read_bytes() for path in before} == before
        assert all((place / "parent" / path.relative_to(parent)).read_bytes() == before[path] for path in before)
        if (place / "face").exists():
            whole += 1
            saved.load(place / "face")
        with pytest.raises(ChildProcessError):
            os.waitpid(desk._process.pid, os.WNOHANG)
        desk.forget(job)
    desk.forgive()
    last_job = Job("count", "count")
    desk.submit(last_job, {"total": 1})
    while last_job.end is None:
        desk.poll(0.01)
        time.sleep(0.005)
    assert isinstance(last_job.end, protocol.Result)
    desk.close()
    print(f"{whole} of {times} faces were there before the kill")  # noqa: T201


TYPES = ["hello", "submit", "cancel", "chunk", "unload", "result", "progress", "preview", "error", "ready", "dance"]
FIELDS = [
    "id",
    "op",
    "params",
    "files",
    "path",
    "data",
    "last",
    "keep",
    "protocol",
    "scratch",
    "outputs",
    "step",
    "file",
]
ODD = [None, True, -1, 1e308, 10**30, "", "../../x", "a/../../b", "/etc/passwd", "C:\\x", "\ud800", "\0", [], {}, [[]]]


def nonsense(draw, number):
    """A line that no honest side would send; never a `shutdown`."""
    values = {name: draw.choice(ODD) for name in draw.sample(FIELDS, draw.randrange(6))}
    if draw.random() < 0.3:
        values["files"] = [{"path": draw.choice(ODD), "size": draw.choice(ODD), "sha256": draw.choice(ODD)}]
    if draw.random() < 0.3:
        values |= {
            "id": f"job{number}",
            "path": f"job{number}/../x",
            "data": "YWJj",
            "op": "write",
            "params": {"out": "/x"},
        }
    line = json.dumps({"type": draw.choice(TYPES), **values}).encode()
    match draw.randrange(24):
        case 0:
            return line[: draw.randrange(len(line))]
        case 1:
            return b"\xff\xfe" + line
        case 2:
            return b"[" * draw.randrange(1, 2000)
        case 3:
            return b'{"type":' * draw.randrange(1, 2000)
        case 4:
            return line.replace(b":", b"\0", 1)
        case 5 if number % 1000 < 24:
            return b'"' + b"x" * (protocol.LINE_LIMIT + draw.randrange(10))
        case 6:
            return draw.randbytes(draw.randrange(100)).replace(b"\n", b"")
        case 7:
            return b'{"type":"submit","id":"a","op":"b","params":' + b"[" * 900 + b"]" * 900 + b"}"
    return line


class Endless(io.RawIOBase):
    """A pipe that yields so many lines of nonsense, and remembers the memory in use at a tenth of them."""

    name, mode = "endless", "rb"

    def __init__(self, lines):
        self._draw, self._lines, self._left, self._sent = random.Random(0), lines, b"", 0
        self.early = 0.0

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self._left:
            if self._sent >= self._lines:
                return 0
            pieces = []
            for _ in range(min(100, self._lines - self._sent)):
                self._sent += 1
                pieces.append(nonsense(self._draw, self._sent) + b"\n")
            self._left = b"".join(pieces)
            if self._sent * 10 // self._lines >= 1 and not self.early:
                self.early = memory.resident_mb() or 0.0
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


class Deaf(io.RawIOBase):
    """Takes what is written, and counts the lines."""

    name, mode = "deaf", "wb"

    def __init__(self):
        self.lines = 0

    def writable(self):
        return True

    def write(self, data):
        self.lines += 1
        return len(data)


@often(2_000, 1_000_000)
def test_no_nonsense_hurts_the_backend(times, tmp_path, monkeypatch):
    failures = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    ran = []
    service = Service({"write": lambda **any: ran.append(any) or {}}, lambda: protocol.Ready("none"), lambda keep: None)
    hello = protocol.encode(protocol.ClientHello("soak", str(tmp_path / "scratch")))
    noise, answers = Endless(times), Deaf()
    noise._left = hello
    left = threading.Event()
    Server(service, io.BufferedReader(noise), answers, leave=left.set).run()
    assert left.wait(10)
    assert not failures
    assert answers.lines > times / 2  # nearly each line is answered
    assert (memory.resident_mb() or 0) - noise.early < 20
    assert not [path for path in tmp_path.rglob("*") if path.name != "scratch"]


@often(2_000, 1_000_000)
def test_no_nonsense_hurts_the_client(times, tmp_path, monkeypatch):
    failures = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    noise = Endless(times)
    link = Link(Deaf(), io.BufferedReader(noise), Log(), apart=True)
    link.send(protocol.ClientHello("soak", str(tmp_path / "scratch")))
    slowest, ended = 0.0, False
    while not ended:
        began = time.thread_time()
        events = list(itertools.islice(link.poll(), 100))
        slowest = max(slowest, time.thread_time() - began)
        ended = any(isinstance(one, Ended) for one in events)
        time.sleep(0.001)
    assert not failures
    assert slowest < 0.02
    assert (memory.resident_mb() or 0) - noise.early < 20
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and (tmp_path / "scratch") not in path.parents]
    print(f"slowest poll of 100 events: {1000 * slowest:.2f} ms")  # noqa: T201


@posix
@often(1, 10)
def test_a_stopped_backend_goes_on_where_it_was(times, tmp_path):
    """`times` are seconds."""
    desk = Desk(Start(CHILD), tmp_path, "0.1.0", "soak")
    job = Job("count", "count")
    desk.submit(job, {"total": 200})
    while not job.step:
        desk.poll(0.01)
    os.kill(desk._process.pid, signal.SIGSTOP)
    until = time.monotonic() + times
    while time.monotonic() < until:
        desk.poll(0.01)
        time.sleep(0.01)
    os.kill(desk._process.pid, signal.SIGCONT)
    while job.end is None:
        assert time.monotonic() < until + 60
        desk.poll(0.01)
        time.sleep(0.01)
    assert job.end.outputs == {"counted": 200}
    desk.close()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte; its root's `mount` is asked for more."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "facewright", str(place)], capture_output=True)
    if made.returncode:
        pytest.skip("only root can make a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@posix
@pytest.mark.parametrize("apart", [False, True])
def test_a_full_disk_is_named_and_leaves_nothing_half_written(apart, small_disk, tmp_path):
    scratch = tmp_path / "scratch" if apart else small_disk
    variables = {"TMPDIR": str(small_disk)}
    desk = Desk(Start(CHILD, variables=variables, remote=apart), scratch, "0.1.0", "soak")
    (small_disk / "ballast").write_bytes(bytes(980_000 if apart else 1_040_000))
    job = Job("generate", "a man")
    if apart:
        (desk.folder(job) / "input.bin").write_bytes(os.urandom(200_000))
    else:
        desk.folder(job)
    desk.submit(job, {"prompt": "a man", "out": f"{job.id}/face"})
    began = time.monotonic()
    while job.end is None:
        assert time.monotonic() - began < 60
        desk.poll(0.01)
        time.sleep(0.005)
    assert job.end.code == errors.DiskFull.code, job.end
    desk.close()
    left = [path for path in small_disk.rglob("*") if path.is_file() and path.name != "ballast"]
    assert not left


@posix
def test_a_folder_that_admits_no_writing_is_named(small_disk):
    desk = Desk(Start(CHILD), small_disk, "0.1.0", "soak")
    job = Job("generate", "a man")
    desk.folder(job)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    desk.submit(job, {"prompt": "a man", "out": f"{job.id}/face"})
    began = time.monotonic()
    while job.end is None:
        assert time.monotonic() - began < 60
        desk.poll(0.01)
        time.sleep(0.005)
    assert job.end.code == errors.FolderUnwritable.code, job.end
    desk.close()
