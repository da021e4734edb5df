"""The full family's path with networks of true size and no training: all that a machine without weights can show."""

import resource
import sys
from pathlib import Path

import pytest

from backend import jobs
from backend.evaluation.true_size import write
from backend.face import saved
from backend.workshop import close_workshop

GIGABYTES = 20
BRIEF = {
    f"{stage}.{name}": value
    for stage in ("geometry", "texture", "edit_texture", "edit_geometry")
    for name, value in (("steps", 2), ("views", 1))
}
BRIEF["texture.refine_steps"] = 0  # nine crops
QUIET = {"emit": lambda event: None, "cancelled": lambda: False}


@pytest.mark.slow
def test_two_steps_of_each_stage_run_at_true_size(tmp_path: Path):
    write(tmp_path)
    asked = {"base": tmp_path, "family": "full", "settings": BRIEF, **QUIET}
    face, edited = tmp_path / "face", tmp_path / "edited"
    try:
        made = jobs.generate(prompt="an old sailor, deep wrinkles", out=face, **asked)
        close_workshop()  # two UNets of this size do not fit beside each other
        jobs.edit(face=face, instruction="make his lips red", out=edited, scope="both", **asked)
    finally:
        close_workshop()
    loaded = saved.load(face)
    assert (made["family"], loaded.family) == ("full", "full")
    assert made["unknown_words"] == []
    assert loaded.words["geometry"]["style"] == "a zoomed out DSLR photo of"
    assert loaded.words["texture"]["view"]["side view"] == ", side view"
    assert abs(loaded.identity).max() > 0
    assert len(saved.load(edited).layers) == 1
    unit = 1e9 if sys.platform == "darwin" else 1e6
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit < GIGABYTES
