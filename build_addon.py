"""Builds dist/facewright-VERSION.zip: the add-on with backend and starter checkpoints inside; and dist/index.json.

addon/ lies at the root of the archive, backend/, ckpts/registry.json and ckpts/starter/ in folders of those
names. Only files that git tracks go in, sorted and with one date, so that the same sources give the same
bytes. With index.json the folder is an extension repository: put it on any web server, and Blender installs and
updates from it (Preferences > Get Extensions > Repositories > Add Remote Repository).

usage: python3 build_addon.py [--out FOLDER]
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
LARGEST_MB = 60
FIXED_TIME = (1980, 1, 1, 0, 0, 0)
AT_THE_ROOT = "addon/"
BESIDE = ("backend/", "ckpts/registry.json", "ckpts/starter/")


def tracked() -> list[str]:
    """The paths git tracks, from the root, in order.

    Raises:
        SystemExit: this is no checkout.
    """
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"{ROOT} must be a git checkout, for only tracked files go in: {error}") from None
    return sorted(listed.stdout.decode().rstrip("\0").split("\0"))


def members() -> dict[str, Path]:
    """Archive name to file, in order."""
    found = {path.removeprefix(AT_THE_ROOT): path for path in tracked() if path.startswith(AT_THE_ROOT)}
    found |= {path: path for path in tracked() if path.startswith(BESIDE)}
    found["backend/LICENSE"] = "LICENSE"
    return {name: ROOT / found[name] for name in sorted(found)}


def manifest_of_the_addon() -> dict[str, Any]:
    """What blender_manifest.toml says."""
    return tomllib.loads((ROOT / "addon" / "blender_manifest.toml").read_text(encoding="utf-8"))


def build(out: Path) -> Path:
    """Writes the archive into `out` and returns its path.

    Raises:
        SystemExit: it is larger than users should have to fetch.
    """
    manifest = manifest_of_the_addon()
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"{manifest['id']}-{manifest['version']}.zip"
    part = archive.with_suffix(".part")
    with zipfile.ZipFile(part, "w") as made:
        for name, path in members().items():
            info = zipfile.ZipInfo(name, FIXED_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            made.writestr(info, path.read_bytes())
    if part.stat().st_size > LARGEST_MB * 1e6:
        raise SystemExit(f"{part} has {part.stat().st_size / 1e6:.1f} MB, more than {LARGEST_MB}")
    part.replace(archive)
    return archive


def write_index(archive: Path) -> Path:
    """The list of a static extension repository, beside the archive, as Blender's `server-generate` writes it."""
    manifest = manifest_of_the_addon()
    content = archive.read_bytes()
    entry = manifest | {
        "archive_url": f"./{archive.name}",
        "archive_size": len(content),
        "archive_hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
    }
    index = archive.with_name("index.json")
    told = {"version": "v1", "blocklist": [], "data": [entry]}
    index.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return index


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="FOLDER")
    archive = build(parser.parse_args().out)
    print(f"{archive} ({archive.stat().st_size / 1e6:.1f} MB)")
    print(write_index(archive))
    return 0


if __name__ == "__main__":
    sys.exit(main())
