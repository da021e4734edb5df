"""The archive that users install."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import build_addon
from backend import __version__
from backend.face import saved
from tests.blenders import ABSENT, EACH, PYTHONS
from tests.toys import toy_face

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return build_addon.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture
def face(tmp_path):
    """A face of the embedded head, at rest."""
    with np.load(ROOT / "ckpts" / "starter" / "anny.npz", allow_pickle=False) as head:
        meta = json.loads(str(head["meta"][()]))
        rest, expressions = head["rest"], head["expressions"].astype(np.float32)
    made = replace(
        toy_face(),
        head="anny",
        topology_id=meta["topology_id"],
        base_vertices=rest,
        offsets=np.zeros_like(rest),
        expression=np.zeros(len(expressions), np.float32),
        expressions=expressions,
    )
    return saved.save(made, tmp_path / "face")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def test_addon_and_backend_state_one_version(archive):
    manifest = tomllib.loads((ROOT / "addon" / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert manifest["version"] == __version__
    assert archive.name == f"facewright-{__version__}.zip"


def test_the_archive_holds_the_addon_the_backend_the_head_and_their_licences(archive):
    with zipfile.ZipFile(archive) as made:
        names = made.namelist()
    wanted = [
        "blender_manifest.toml",
        "__init__.py",
        "LICENSE",
        "backend/LICENSE",
        "backend/__main__.py",
        "backend/requirements/run.txt",
        "backend/requirements/windows-cuda.txt",
        "ckpts/starter/anny.npz",
    ]
    assert not [name for name in wanted if name not in names]
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests/", "."))]


def test_only_what_git_tracks_goes_in(archive):
    listed = run("git", "ls-files", cwd=ROOT).stdout.split("\n")
    assert {str(path.relative_to(ROOT)) for path in build_addon.members().values()} <= set(listed)


def test_the_same_sources_give_the_same_bytes(archive, tmp_path):
    assert build_addon.build(tmp_path).read_bytes() == archive.read_bytes()


def test_blenders_own_validator_accepts_it(archive):
    validate(archive, sys.executable, Path(find_spec("bpy").origin))


@pytest.mark.slow
@pytest.mark.skipif(not PYTHONS, reason=ABSENT)
@pytest.mark.parametrize("python", EACH)
def test_every_blender_validates_and_installs_it(archive, face, python):
    where = "from importlib.util import find_spec; print(find_spec('bpy').origin)"
    validate(archive, python, Path(run(python, "-c", where).stdout.strip()))
    install(archive, face, python)


def validate(archive, python, bpy):
    """Asks the validator of the Blender that lies about the module `bpy`, with the tags it allows."""
    (blender,) = bpy.parent.glob("*/scripts")
    validator = blender / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    tags = blender / "modules" / "_bpy_internal" / "extensions" / "tags.py"
    said = run(python, "-B", validator, "validate", "--valid-tags", tags, archive)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "Success" in said.stdout


def test_the_folder_is_a_repository_as_blenders_own_tool_would_make_it(archive, tmp_path):
    build_addon.write_index(archive)
    ours = json.loads(archive.with_name("index.json").read_text(encoding="utf-8"))
    shutil.copy(archive, tmp_path)
    (blender,) = Path(find_spec("bpy").origin).parent.glob("*/scripts")
    tool = blender / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    said = run(sys.executable, "-B", tool, "server-generate", "--repo-dir", tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    assert ours == json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))


def test_what_is_too_large_to_fetch_is_not_built(tmp_path, monkeypatch):
    monkeypatch.setattr(build_addon, "LARGEST_MB", 1)
    with pytest.raises(SystemExit, match="MB, more than 1"):
        build_addon.build(tmp_path)
    assert not list(tmp_path.glob("*.zip"))


def test_blender_installs_it_and_imports_a_face_without_torch(archive, face):
    install(archive, face, sys.executable)


def install(archive, face, python):
    """Installs it as a user does, in the Blender of that Python, and imports a face."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("FACEWRIGHT_")}
    script = ROOT / "tests" / "addon" / "installed.py"
    said = run(python, script, archive, face, sys.executable, cwd=face, env=variables)
    assert said.returncode == 0, said.stdout + said.stderr
    assert json.loads(said.stdout) == {
        "bundled": True,
        "backend_inside": True,
        "backend_answers": True,
        "outside_modules": [],
        "home_in_extension_folder": True,
        "shape_keys": 53,
        "steps": 2,
        "left_behind": False,
    }


def test_the_headless_script_makes_a_file_with_all_of_it(face, tmp_path):
    script = ROOT / "addon" / "headless.py"
    blend, picture = tmp_path / "é out" / "head.blend", tmp_path / "head.png"
    said = run(sys.executable, script, "--faces", face, face, "--blend", blend, "--render", picture)
    assert said.returncode == 0, said.stdout + said.stderr
    told = json.loads(said.stdout)
    assert (told["shape_keys"], told["uv_maps"], len(told["steps"])) == (53, 1, 2)
    assert 0.2 < told["height_m"] < 0.3
    assert blend.is_file()
    with Image.open(picture) as drawn:
        told = drawn.text
    assert "an old sailor" in told["Note"]
    assert not [text for text in told.values() if str(tmp_path) in text]


def test_the_headless_script_says_what_is_wrong_with_a_face(tmp_path):
    said = run(sys.executable, ROOT / "addon" / "headless.py", "--faces", tmp_path, "--blend", tmp_path / "a.blend")
    assert said.returncode == 1
    assert "E312" in said.stderr
    assert not (tmp_path / "a.blend").exists()
