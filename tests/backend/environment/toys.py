"""Small real wheels, a lock over them, and what a user sets so that pip looks in a folder only."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zipfile
from pathlib import Path

from backend.environment import ROOT, SetUp, read_recipe
from backend.environment.recipe import machine_key

TOYS = [f"toy-{index}" for index in range(8)]
SELFTEST = ("-c", 'import torch; print(\'{"selftest": {"torch": "1.0", "device": "cpu"}}\')')
CHILD = """
import os, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background begin deaf to it
from backend import environment
recipe = environment.read_recipe(Path(sys.argv[2]))
setup = environment.SetUp(Path(sys.argv[1]), sys.argv[3], os.environ, accelerator="cpu", recipe=recipe)
print(setup.run(lambda event: None))
"""


def write_wheel(folder: Path, name: str, code: str = "there = True\n", version: str = "1.0") -> Path:
    """A wheel of one module."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text.encode())}\n"
    place = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(place, "w") as wheel:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            wheel.writestr(zipfile.ZipInfo(path), text)
    return place


def lock_line(wheel: Path) -> str:
    name, version = wheel.name.split("-")[:2]
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name.replace('_', '-')}=={version} --hash=sha256:{sha256} # {wheel.stat().st_size} MIT"


def write_recipe(folder: Path, wheels: Path, *, extra: str = "toy-extra", selftest: tuple[str, ...] = SELFTEST) -> Path:
    """Two profiles: `run` of eight toys and a toy torch, `demo` of one more."""
    folder.mkdir(exist_ok=True)
    lines = [
        "# [run]",
        *(lock_line(wheels / f"{name.replace('-', '_')}-1.0-py3-none-any.whl") for name in [*TOYS, "torch"]),
    ]
    lines += ["# [demo]", lock_line(wheels / f"{extra.replace('-', '_')}-1.0-py3-none-any.whl")]
    (folder / f"{machine_key()}-cpu.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    profiles = {
        "run": {"imports": ["toy_0", "torch"]},
        "demo": {"on": "run", "imports": [extra.replace("-", "_")]},
    }
    data = {
        "python": sys.version_info[:2],
        "gpu": {"driver": 580, "compute": 7.5},
        "selftest": selftest,
        "uv": {},
        "profiles": profiles,
        "libraries": {},
    }
    (folder / "profiles.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


def toy_setup(place: Path, home: Path, environ: dict[str, str], profile: str = "run", **options) -> SetUp:
    recipe = read_recipe(place / "requirements")
    return SetUp(home, profile, environ, **{"accelerator": "cpu", "recipe": recipe, **options})


def quiet(event: dict[str, object]) -> None:
    """Nobody listens."""


__all__ = ["CHILD", "ROOT", "SELFTEST", "TOYS", "lock_line", "quiet", "toy_setup", "write_recipe", "write_wheel"]
