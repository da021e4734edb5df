"""The demo from words to a .blend, a few steps of each stage."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

ROOT = Path(__file__).parents[1]
STEPS = ("geometry.steps=3", "texture.steps=3", "edit_texture.steps=3", "edit_geometry.steps=3")


def demo(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backend", "demo", "--json", *words]
    environ = {**os.environ, "FACEWRIGHT_ENV": sys.prefix}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300)


def test_the_demo_goes_from_words_to_a_blend(tmp_path: Path):
    out = tmp_path / "made"
    wished = ("--prompt", "a young woman with green skin", "--instruction", "give her a blue eye mask")
    done = demo("--out", str(out), "--seed", "5", *wished, *(word for step in STEPS for word in ("--set", step)))
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["Blender file"] == str(out / "head.blend")
    assert (out / "head.blend").stat().st_size > 1_000_000
    assert {path.name for path in out.iterdir()} == {
        *("face-1", "face-2", "sheet.png", "head.glb", "head.blend", "blender.png")
    }
    head = trimesh.load(out / "head.glb")
    assert sum(len(part.faces) for part in head.geometry.values()) > 8000
    with Image.open(out / "blender.png") as picture:
        assert np.asarray(picture.convert("RGB")).std() > 20


@pytest.mark.parametrize(("words", "title"), [(["--prompt", " "], "no words"), (["--set", "geometry"], "geometry")])
def test_a_demo_of_nothing_is_refused_before_it_starts(tmp_path: Path, words: list[str], title: str):
    done = demo("--out", str(tmp_path / "made"), *words)
    assert done.returncode == 2
    assert title in done.stderr
    assert not (tmp_path / "made").exists()
