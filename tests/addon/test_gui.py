"""The built extension in a Blender with a window, used as a user would; pictures of the sidebar stay for looking at.

Needs `FACEWRIGHT_BLENDER`, a command that runs Blender on a screen of Xvfb and sets XVFB_FBDIR to its -fbdir; pictures
go to `FACEWRIGHT_GUI_OUT`, else to a temporary folder.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT

BLENDER = os.environ.get("FACEWRIGHT_BLENDER", "")
WINDOW = ["--window-geometry", "0", "0", "1500", "1300", "--enable-event-simulate", "--python-exit-code", "1"]
STATES = (
    *("1_empty", "2_new_head", "3_generating", "4_cancelled"),
    *("5_generated_solid", "6_edited", "7_layer_dragged", "8_panels"),
)


@pytest.mark.gui
@pytest.mark.skipif(not BLENDER, reason="FACEWRIGHT_BLENDER names no Blender with a window")
def test_a_newcomer_installs_adds_a_head_generates_cancels_edits_takes_back_and_exports(tmp_path):
    out = Path(os.environ.get("FACEWRIGHT_GUI_OUT", str(tmp_path / "pictures")))
    out.mkdir(parents=True, exist_ok=True)
    built = subprocess.run([sys.executable, ROOT / "build_addon.py", "--out", tmp_path], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (archive,) = tmp_path.glob("*.zip")
    resources = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "resources")}
    install = [BLENDER, "--command", "extension", "install-file", "-r", "user_default", "--enable", str(archive)]
    said = subprocess.run(install, env=resources, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr
    script = Path(__file__).with_name("gui_run.py")
    run = [BLENDER, *WINDOW, "--python", str(script), "--", str(out)]
    said = subprocess.run(run, env=resources, capture_output=True, text=True)
    (out / "log.txt").write_text(said.stdout + said.stderr)
    assert said.returncode == 0, (said.stdout + said.stderr)[-3000:]
    assert "[gui] PASS" in said.stdout
    wrong = [line for line in said.stderr.splitlines() if "Traceback" in line or "script error" in line]
    assert not wrong, said.stderr[-3000:]
    assert all((out / f"{state}.png").is_file() for state in STATES)
