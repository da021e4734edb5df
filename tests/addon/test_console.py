"""`blender -c facewright`: faces without a window."""

import json
import sys

import bpy
import pytest

from .conftest import PACKAGE
from .test_operators import pump  # noqa: F401 - a fixture


@pytest.fixture
def console(pump):  # noqa: F811
    return sys.modules[f"{PACKAGE}.ui.console"]


def write_jobs(path, *jobs):
    path.write_text("\n".join(json.dumps(job) for job in jobs))
    return path


def test_a_batch_goes_on_after_a_failure_and_a_second_run_does_the_rest(console, tmp_path):
    jobs = write_jobs(
        tmp_path / "jobs.jsonl",
        {"name": "one", "prompt": "a man", "edits": ["older"], "export": ["obj"]},
        {"name": "bad", "prompt": "nan"},
        {"prompt": "a woman", "seed": 7},
    )
    out = tmp_path / "out"
    assert console.run(["batch", str(jobs), "--out", str(out)]) == 1
    told = [json.loads(line) for line in (out / "report.jsonl").read_text().splitlines()]
    assert [(one["name"], one["state"]) for one in told] == [("one", "done"), ("bad", "failed"), ("face-003", "done")]
    assert "E320" in told[1]["error"]
    assert told[2]["seed"] == 7
    assert (out / "one.obj").is_file()
    bpy.ops.wm.open_mainfile(filepath=str(out / "one.blend"))
    assert [step.name for step in bpy.context.object.facewright.steps] == ["a man", "older"]
    write_jobs(jobs, {"name": "one", "prompt": "a man"}, {"name": "bad", "prompt": "a man"})
    assert console.run(["batch", str(jobs), "--out", str(out)]) == 0
    told = [json.loads(line) for line in (out / "report.jsonl").read_text().splitlines()][3:]
    assert [one["state"] for one in told] == ["there already", "done"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line"),
        ('{"name": "x"}', "needs a prompt"),
        ('{"prompt": "x", "sed": 1}', "'sed'"),
        ('{"prompt": "x", "export": ["stl"]}', "no format"),
    ],
)
def test_a_wrong_line_is_told_before_anything_begins(console, tmp_path, capsys, line, says):
    (tmp_path / "jobs.jsonl").write_text(line)
    assert console.run(["batch", str(tmp_path / "jobs.jsonl"), "--out", str(tmp_path / "out")]) == 2
    assert says in capsys.readouterr().err or says == "line"
    assert not (tmp_path / "out").exists()


def test_the_head_of_a_file_is_exported_by_the_suffix(console, tmp_path):
    bpy.ops.facewright.generate(prompt="a man", wait=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    assert console.run(["export", str(tmp_path / "a.blend"), "--out", str(tmp_path / "a.glb")]) == 0
    assert (tmp_path / "a.glb").read_bytes()[:4] == b"glTF"
    assert console.run(["export", str(tmp_path / "a.blend"), "--out", str(tmp_path / "a.xyz")]) == 2
    assert console.run(["nonsense"]) == 2
