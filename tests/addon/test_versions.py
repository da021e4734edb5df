"""The same tests in other Blenders, and a file on its way through them; see `tests/blenders.py`."""

import subprocess

import pytest

from tests.blenders import ABSENT, EACH, PYTHONS

from .conftest import ROOT

FILES = [
    "steps",
    "history",
    "panels",
    "export",
    "expressions",
    "operators",
    "presets",
    "enabling",
    "studio",
    "layers",
    "rest",
    "masks",
    "console",
    "translations",
    "chain",
    "tree",
    "colours",
    "disks",
    "copies",
    "widths",
    "maps",
]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PYTHONS, reason=ABSENT)]


@pytest.mark.parametrize("python", EACH)
def test_the_addons_tests_pass_in_every_blender(python):
    files = [f"tests/addon/test_{name}.py" for name in FILES]
    words = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-1000:]


def test_a_file_goes_on_in_every_newer_blender(tmp_path):
    kept = tmp_path / "head.blend"
    told = []
    for python in PYTHONS:
        words = [python, str(ROOT / "tests" / "addon" / "onwards.py"), str(kept)]
        said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
        assert said.returncode == 0, said.stdout[-2000:] + said.stderr[-2000:]
        told.append(said.stdout.splitlines()[-1])
    assert [line.split()[-1] for line in told] == [f"steps={1 + index}" for index in range(len(told))]
