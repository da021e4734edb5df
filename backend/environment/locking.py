"""Makes the locks of `backend/requirements/` from the pins in `run.txt`, `demo.txt` and `test.txt`.

usage: python3 -m backend.environment.locking --uv UV --wheels FOLDER [--sizes FILE.json]

Needs the tool uv, which knows the hash of every wheel of every platform, and a folder with the wheels of this
platform (`pip download --no-deps --only-binary :all: -r …`), of which it reads sizes and licences. Sizes of other
platforms' wheels come from FILE, `{"WHEEL": BYTES}`; what is not in it counts as large as this platform's. Torch's
builds with a `+` lie in PyTorch's own index, which uv is not asked about: their hashes stand here, with their source.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from email.parser import Parser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .recipe import REQUIREMENTS, package_name

INDEX = "https://download.pytorch.org/whl/"
# (version, sha256, bytes). The CPU build's hash was computed here; those of the CUDA builds are what public lock files
# of other projects say, made from PyTorch's index: nobody of this project has fetched them; sizes are rounded.
TORCH = {
    "linux-cpu": ("2.13.0+cpu", "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b", 191794682),
    "linux-cuda": ("2.13.0+cu130", "794664c05a3470a5e738447b54495cc6bbf1efca48bf2794270a897d9f4356c4", 527_000_000),
    "windows-cuda": ("2.13.0+cu130", "45e97bd9bc0416f4f4190b5098c55119a389fa5a7c8bbf2639f08f1d04e0a0dc", 1_900_000_000),
}
LOCKS = ("linux-cpu", "linux-cuda", "windows-cpu", "windows-cuda", "macos-cpu")
MARKERS = {
    "linux": "sys_platform == 'linux' and platform_machine == 'x86_64'",
    "windows": "sys_platform == 'win32'",
    "macos": "sys_platform == 'darwin' and platform_machine == 'arm64'",
}
PROFILES = ("run", "demo", "test")
ABOUT = {"nvidia-cuda-cupti": 11_000_000, "nvidia-nccl-cu13": 200_000_000}  # bytes, where no index told
UNSTATED = {"colorama": "BSD-3-Clause", "triton": "MIT", "cuda-pathfinder": "Apache-2.0"}
NVIDIA = "LicenseRef-NVIDIA"
SHORT = {"Apache 2.0 License": "Apache-2.0"}
CLASSIFIED = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0",
    "ISC License (ISCL)": "ISC",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uv", required=True)
    parser.add_argument("--wheels", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--sizes", type=Path, metavar="FILE.json")
    options = parser.parse_args()
    sizes: dict[str, int] = json.loads(options.sizes.read_text(encoding="utf-8")) if options.sizes else {}
    sizes |= {wheel.name: wheel.stat().st_size for wheel in options.wheels.glob("*.whl")}
    licences = {package_name(wheel.name.split("-")[0]): licence_of(wheel) for wheel in options.wheels.glob("*.whl")}
    pins = {name: read_pins(REQUIREMENTS / f"{name}.txt") for name in PROFILES}
    found = resolve(options.uv, [line for lines in pins.values() for line in lines.values()])
    for lock in LOCKS:
        lines = lock_lines(lock, pins, found, sizes, licences)
        (REQUIREMENTS / f"{lock}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        sys.stdout.write(f"{lock}: {len(lines)} lines\n")
    return 0


def read_pins(file: Path) -> dict[str, str]:
    """Requirement by normalised name."""
    lines = [line.split("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines()]
    return {package_name(line): line for line in lines if line and not line.startswith("-r ")}


def resolve(uv: str, requirements: list[str]) -> dict[str, dict[str, Any]]:
    """uv's entry of each package, those that only the CUDA build needs included."""
    project = {"name": "locked", "version": "0", "requires-python": "==3.11.*"}
    lines = ["[project]", *(f"{key} = {json.dumps(value)}" for key, value in project.items())]
    lines += [f"dependencies = {json.dumps(requirements)}", "[tool.uv]"]
    lines += [f"environments = {json.dumps(list(MARKERS.values()))}"]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pyproject.toml").write_text("\n".join(lines), encoding="utf-8")
        subprocess.run([uv, "lock", "--system-certs"], cwd=folder, check=True)
        told = tomllib.loads((Path(folder) / "uv.lock").read_text(encoding="utf-8"))
    return {package_name(entry["name"]): entry for entry in told["package"] if "wheels" in entry}


def lock_lines(
    lock: str,
    pins: Mapping[str, Mapping[str, str]],
    found: Mapping[str, dict[str, Any]],
    sizes: Mapping[str, int],
    licences: Mapping[str, str],
) -> list[str]:
    """The lines of a lock; see `recipe.py`."""
    platform = lock.split("-")[0]
    lines = ["# Made by `python3 -m backend.environment.locking` from the pins beside it; not to be edited."]
    if lock in TORCH:
        lines.append(f"# index of torch: {INDEX}{TORCH[lock][0].partition('+')[2]}")
    extra = {name for name in found if name not in {one for lines in pins.values() for one in lines}}
    for profile in PROFILES:
        lines += ["", f"# [{profile}]"]
        names = {
            name
            for name, line in pins[profile].items()
            if 'sys_platform == "win32"' not in line or platform == "windows"
        }
        if profile == "run" and lock == "linux-cuda":
            names |= extra
        for name in sorted(names):
            size_here = next((size for wheel, size in sizes.items() if package_name(wheel.split("-")[0]) == name), 0)
            wheels = fitting(found[name]["wheels"], platform)
            version, hashes, size = found[name]["version"], sorted(wheels.values()), 0
            if name == "torch" and lock in TORCH:
                version, sha256, size = TORCH[lock]
                hashes = [sha256]
            size = size or next((sizes[wheel] for wheel in wheels if wheel in sizes), size_here) or ABOUT.get(name, 0)
            licence = licences.get(name) or UNSTATED.get(name) or NVIDIA
            hashed = " ".join(f"--hash=sha256:{one}" for one in hashes)
            lines.append(f"{name}=={version} {hashed} # {size} {licence}")
    return lines


def fitting(wheels: list[dict[str, Any]], platform: str) -> dict[str, str]:
    """sha256 by file name of the wheels that a CPython 3.11 on this platform takes.

    Raises:
        ValueError: there is none.
    """
    patterns = {
        "linux": r"(linux|manylinux)\w*_x86_64",
        "windows": "win_amd64",
        "macos": r"macosx_\d+_\d+_(arm64|universal2)",
    }
    python = r"(cp311-(cp311|none)|cp3([2-9]|10|11)-abi3|(py2\.)?py3-none)"
    tags = rf"-{python}-(.*{patterns[platform]}.*|any)\.whl$"
    names = {unquote(wheel["url"].rsplit("/", 1)[1]): wheel["hash"].removeprefix("sha256:") for wheel in wheels}
    found = {name: sha256 for name, sha256 in names.items() if re.search(tags, name) and "musllinux" not in name}
    if not found:
        raise ValueError(f"no wheel for {platform} among {', '.join(names)}")
    special = {name: sha256 for name, sha256 in found.items() if not name.endswith("-any.whl")}
    return special or found


def licence_of(wheel: Path) -> str:
    """What a wheel says of itself: the SPDX expression where it has one."""
    with zipfile.ZipFile(wheel) as archive:
        place = next(name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        told = Parser().parsestr(archive.read(place).decode("utf-8"))
    if expression := told.get("License-Expression"):
        return expression
    classes = [line.rsplit(" :: ", 1)[1] for line in told.get_all("Classifier", []) if line.startswith("License ::")]
    named = [CLASSIFIED.get(one, one) for one in classes if one != "OSI Approved"]
    stated = (told.get("License") or "").strip()
    short = stated if "\n" not in stated and len(stated) < 40 else ""
    return " OR ".join(named) or SHORT.get(short, short) or "see the package"


if __name__ == "__main__":
    sys.exit(main())
