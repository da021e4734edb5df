"""Every job through the real pipe, with the starter family, in a backend that may open no connection."""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from addon.link.bundle import errors, protocol
from addon.link.client import Start
from addon.link.desk import Desk, Job
from backend.face import saved

FORBIDDEN = """
import runpy, sys
def refuse(event, args):
    if event in ("socket.connect", "socket.bind", "socket.listen", "socket.getaddrinfo", "socket.sendto"):
        raise OSError(f"no network here: {event}")
sys.addaudithook(refuse)
sys.argv = ["backend", "serve"]
runpy.run_module("backend", run_name="__main__")
"""
FEW = {f"{stage}.steps": 3 for stage in ("geometry", "texture", "edit_geometry", "edit_texture")}


class Backend:
    def __init__(self, desk):
        self.desk = desk

    def do(self, op, params, inputs=None, seconds=500.0):
        """A job's result, and the job; `inputs` are copied to its folder, an "out" begins there."""
        job = Job(op, op)
        for name, path in (inputs or {}).items():
            copy = shutil.copytree if path.is_dir() else shutil.copyfile
            copy(path, self.desk.folder(job) / path.name)
            params = {**params, name: f"{job.id}/{path.name}"}
        if "out" in params:
            self.desk.folder(job)
            params = {**params, "out": f"{job.id}/{params['out']}"}
        self.desk.submit(job, params)
        assert isinstance(self.until_ended(job, seconds), protocol.Result), (job.end, self.desk.log)
        return job, job.end

    def until_ended(self, job, seconds=500.0):
        end = time.monotonic() + seconds
        while job.end is None:
            assert time.monotonic() < end, (job, self.desk.log)
            self.desk.poll(0.01)
            time.sleep(0.01)
        return job.end

    def sockets(self):
        folder = Path(f"/proc/{self.desk._process.pid}/fd")
        names = [str(link.readlink()) for link in folder.iterdir() if link.is_symlink()]
        return [name for name in names if name.startswith("socket:")]


@pytest.fixture
def backend(tmp_path):
    start = Start((sys.executable, "-c", FORBIDDEN), variables={"FACEWRIGHT_ENV": sys.prefix})
    desk = Desk(start, tmp_path, "0.1.0", "test")
    yield Backend(desk)
    desk.close()


@pytest.mark.slow
def test_every_job_runs_through_the_pipe_without_a_network(backend):
    desk = backend.desk
    backend.do("selftest", {})
    _, made = backend.do("generate", {"prompt": "an old man with a big nose", "out": "face", "settings": FEW})
    face = desk.output(made, "face")
    assert {file.path for file in made.files} >= {made.outputs["face"] + "/mesh.npz"}
    order = {"instruction": "make his lips red", "out": "edited", "settings": FEW}
    edited = desk.output(backend.do("edit", order, {"face": face})[1], "face")
    anew = desk.output(backend.do("retexture", {"out": "anew", "settings": FEW}, {"face": face})[1], "face")
    assert (saved.load(anew).base_vertices == saved.load(face).base_vertices).all()
    faded = desk.output(backend.do("layers", {"strengths": {"1": 0.5}, "out": "faded"}, {"face": edited})[1], "face")
    assert saved.load(faded).layers[0].strength == 0.5
    backend.do("import", {"out": "brought"}, {"source": face / "albedo.png"})
    _, sheet = backend.do("render", {"views": [0, 45], "out": "sheet.png"}, {"face": face})
    assert desk.output(sheet, "sheet").read_bytes().startswith(b"\x89PNG")
    _, file = backend.do("export", {"out": "face.glb"}, {"face": edited})
    assert desk.output(file, "file").read_bytes().startswith(b"glTF")
    assert not backend.sockets()


@pytest.mark.slow
def test_a_job_whose_backend_is_killed_goes_on_where_it_was(backend):
    desk, job = backend.desk, Job("generate", "killed")
    params = {"prompt": "a fat man", "stage": "geometry", "settings": {"geometry.steps": 100}}
    desk.submit(job, {**params, "out": f"{job.id}/face"})
    while not any(desk.folder(job).glob(".face.run/*.npz")):
        assert job.end is None, (job.end, desk.log)
        desk.poll(0.01)
        time.sleep(0.01)
    os.kill(desk._process.pid, signal.SIGKILL)
    assert backend.until_ended(job).code == errors.BackendCrashed.code
    again = desk.resume(job)
    first = None
    while again.end is None:
        desk.poll(0.01)
        first = again.step if again.phase == "shape" and first is None else first
    assert first, "the shape stage began anew"
    _, whole = backend.do("generate", {**params, "out": "face"})
    pair = [saved.load(desk.output(end, "face")).base_vertices for end in (again.end, whole)]
    assert (pair[0] == pair[1]).all()
