"""Every command of README.md and docs/ works: run for real where that is cheap, else held to its parser."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from backend import __main__ as door, __version__, commandline, training
from backend.settings import changed, preset_named
from tests.documented import FENCE, PAGES, ROOT, commands, mentioned

BACKEND = "python3 -m backend "
README = PAGES[0]
FOR_REAL = (
    *(BACKEND + name for name in ("generate", "edit", "layers", "render", "export", "import", "show")),
    "python3 -m zipfile",
    "python3 build_addon.py",
)
BY_ITS_PARSER = {
    f"{BACKEND}demo": "minutes; tests/test_demo.py plays it",
    f"{BACKEND}test": "it would run itself",
    f"{BACKEND}train": "minutes to hours; tests/backend/training",
    f"{BACKEND}evaluate": "minutes to hours; tests/backend/evaluation",
    f"{BACKEND}bench": "minutes of measuring; tests/backend/evaluation",
    f"{BACKEND}doctor": "it tries a whole installation; tests/backend/test_doctor.py",
    f"{BACKEND}checkpoints fetch": "a network and 6 GB; tests/backend/checkpoints, against a server of their own",
    "blender -c facewright": "the Blender program; tests/addon/test_documented.py holds it to its parser",
    "ssh -T": "another computer; the command it runs there is held to its parser",
}
A_PART = {f"{BACKEND}checkpoints", f"{BACKEND}COMMAND --help"}  # in running text, no whole command
BRIEF = {
    "generate": ["--set", "geometry.steps=1", "--set", "texture.steps=1"],
    "edit": ["--set", "edit_texture.steps=1", "--set", "edit_geometry.steps=1"],
}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
LONGEST = 200  # lines of the README

page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def way_of(command: str) -> str:
    """How a command is checked: "real" or "parser", by the longest beginning that is listed."""
    known = {**dict.fromkeys(FOR_REAL, "real"), **dict.fromkeys(BY_ITS_PARSER, "parser")}
    listed = [start for start in known if f"{command} ".startswith(f"{start} ")]
    assert listed, f"say in {Path(__file__).name} how this is to be tested: {command}"
    return known[max(listed, key=len)]


def parse(command: str) -> None:
    """Holds a command of the backend to its parser; settings and presets to those there are."""
    words = shlex.split(command.removeprefix(BACKEND))
    options = commandline.parse(words)
    if options.command == "train":
        training.parse([options.what, *options.rest])
    if options.command in ("generate", "edit"):
        changed(preset_named(options.preset), commandline.job_values(options)["settings"])


def there(command: str) -> list[str]:
    """The backend's commands in the shell line that ssh brings to another computer."""
    parts = [part.strip().removeprefix("exec ") for part in shlex.split(command)[-1].split("&&")]
    return [part for part in parts if part.startswith(BACKEND)]


def run(command: str, place: Path) -> None:
    """Runs a command for real in a folder: the backend's in this process, with steps enough to see that it works."""
    words = shlex.split(command)
    if not command.startswith(BACKEND):
        script = ["python3", "build_addon.py"]
        more = [str(ROOT / "build_addon.py"), "--out", str(place)] if words == script else words[1:]
        subprocess.run([sys.executable, *more], cwd=place, check=True, capture_output=True)
        return
    words = words[3:]
    before = os.getcwd()  # noqa: PTH109 - to go back to
    os.chdir(place)
    try:
        assert door.main([*words, *BRIEF.get(words[0], [])]) == 0, command
    finally:
        os.chdir(before)


def play(commands: list[str], place: Path) -> None:
    """A page's commands one after the other, as a reader types them."""
    shutil.copy(ROOT / "ckpts" / "starter" / "anny_albedo.png", place / "skin.png")
    with mock.patch.dict(os.environ):
        for command in commands:
            if way_of(command) == "real":
                run(command, place)


@page
def test_every_command_is_one_that_is_tested(page):
    for command in commands(page):
        if way_of(command) == "parser" and command.startswith(BACKEND):
            parse(command)
        if command.startswith("ssh"):
            assert there(command)
            for inner in there(command):
                parse(inner)


@page
def test_commands_in_running_text_are_known(page):
    for command in mentioned(page, BACKEND.strip()):
        if command not in A_PART:
            parse(command)


def test_the_commands_of_the_readme_work(tmp_path):
    play(commands(README), tmp_path)
    assert (tmp_path / "half.glb").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_the_commands_of_the_docs_work(page, tmp_path):
    play(commands(page), tmp_path)


@page
def test_every_link_leads_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", one).strip().lower().replace(" ", "-") for one in headings}, target


def test_the_readme_is_short_and_names_this_version():
    text = README.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST
    assert f"facewright-{__version__}.zip" in text
