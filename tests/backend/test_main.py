import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend import commandline
from backend.progress import ProgressLine

ROOT = Path(__file__).parents[2]


def run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command line as a user runs it."""
    environ = {**os.environ, **settings}
    command = [sys.executable, "-m", "backend", *words]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("generate", "  ", "--out", "{tmp}/new"), 2, "There are no words"),
        (("edit", "{tmp}", "make his lips red", "--out", "{tmp}/new"), 3, "holds no face.json"),
        (("generate", "a man", "--out", "{tmp}"), 3, "exists and is not overwritten"),
        (("generate", "a man", "--out", "{tmp}/file/new"), 3, "cannot be written"),
        (("demo", "--instruction", "", "--prompt", "a man"), 2, "the instruction is empty"),
        (("generate", "a man"), 2, "required: --out"),
        (("generate", "a man", "--out", "{tmp}/new", "--colour", "red"), 2, "does not know --colour red"),
        (("dance",), 2, "invalid choice"),
        ((), 2, "required: COMMAND"),
    ],
)
def test_what_cannot_work_is_refused_with_a_word_and_a_status(words, status, said, tmp_path):
    (tmp_path / "file").touch()
    asked = run(*(word.format(tmp=tmp_path) for word in words))
    assert (asked.returncode, asked.stdout) == (status, "")
    assert said in asked.stderr
    assert "Traceback" not in asked.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("layers", "{tmp}", "--out", "{tmp}/new", "--strength", "first"),
        ("export", "{tmp}", "--out", "{tmp}/new.stl"),
        ("generate", "a man", "--out", "{tmp}/new", "--set", "geometry.steps"),
        ("render", "{tmp}", "--out", "{tmp}/new", "--views", "front"),
        ("render", "--out", "{tmp}/new"),
        ("render", "{tmp}", "--head", "anny", "--out", "{tmp}/new"),
        ("show",),
    ],
)
def test_values_of_the_wrong_form_are_usage_errors(words, tmp_path):
    (tmp_path / "face.json").write_text("{}", encoding="utf-8")
    assert run(*(word.format(tmp=tmp_path) for word in words)).returncode == 2


def test_json_is_the_only_thing_on_stdout():
    asked = run("doctor", "--quick", "--json")
    assert json.loads(asked.stdout)["python"] == ".".join(map(str, sys.version_info[:3]))
    assert asked.stdout.count("\n") == 1


def test_an_error_is_told_in_json_too(tmp_path):
    asked = run("show", str(tmp_path), "--json")
    assert json.loads(asked.stdout)["error"]["code"] == 312


def test_doctor_names_no_private_path(tmp_path):
    asked = run("doctor", "--quick", FACEWRIGHT_HOME=str(tmp_path / "private"))
    assert asked.returncode == 0
    assert "private" not in asked.stdout + asked.stderr


def test_an_environment_that_lacks_packages_is_refused_by_name(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    asked = run("show", str(make_face(tmp_path)), FACEWRIGHT_ENV=str(tmp_path / "bare"))
    assert asked.returncode == 3
    assert "lacks torch" in asked.stderr


def test_serve_does_not_install_by_itself(tmp_path):
    environ = {"FACEWRIGHT_ENV": "", "FACEWRIGHT_HOME": str(tmp_path)}
    asked = run("serve", **environ)
    assert asked.returncode == 3
    assert "not made yet" in asked.stderr
    assert not (tmp_path / "env").exists()


@pytest.mark.parametrize(
    ("words", "status", "said"), [(("--help",), 0, "texture-prior"), (("yuv",), 2, "invalid choice"), ((), 2, "WHAT")]
)
def test_train_tells_its_words_before_anything_is_installed(words, status, said, tmp_path):
    asked = run("train", *words, FACEWRIGHT_ENV="", FACEWRIGHT_HOME=str(tmp_path))
    assert asked.returncode == status
    assert said in asked.stdout + asked.stderr
    assert not list(tmp_path.iterdir())


def test_the_help_explains_every_word_that_can_be_typed():
    def explained(parser: argparse.ArgumentParser):
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, sub in action.choices.items():
                    assert sub.description, name
                    if name != "train":  # it has a parser of its own
                        explained(sub)
            else:
                assert action.help, f"{parser.prog}: {action.option_strings or action.dest}"

    explained(commandline._parser())


def test_an_interrupt_ends_with_its_own_status():
    code = (
        "import runpy, sys, backend.doctor\n"
        "def interrupted(*_, **__): raise KeyboardInterrupt\n"
        "backend.doctor.report = interrupted\n"
        "sys.argv = ['backend', 'doctor']\n"
        "runpy.run_module('backend', run_name='__main__')"
    )
    asked = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (asked.returncode, asked.stderr) == (130, "interrupted\n")


def test_progress_in_a_log_is_a_line_a_phase(capsys):
    line = ProgressLine(sys.stderr)
    for phase in ("shape", "texture"):
        for step in range(100):
            line.emit({"type": "progress", "phase": phase, "step": step, "total": 100})
    line.close()
    assert [said.split()[0] for said in capsys.readouterr().err.splitlines()] == ["shape", "texture"]


def make_face(folder: Path) -> Path:
    (folder / "face").mkdir()
    (folder / "face" / "face.json").write_text("{}", encoding="utf-8")
    return folder / "face"


def test_the_installed_layout_needs_no_checkout(tmp_path):
    shutil.copytree(ROOT / "backend", tmp_path / "backend", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "backend", "doctor", "--quick", "--json"]
    environ = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "PYTHONPATH": "", "FACEWRIGHT_HOME": ""}
    asked = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert json.loads(asked.stdout)["facewright"]
