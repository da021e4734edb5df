"""Disks that are full, read-only, or lose what was on them: real ones, in memory."""

import os
import subprocess
import sys

import pytest

from .conftest import ROOT

MOUNT = 'mount -t tmpfs -o size=64m tmpfs "$0" && TMPDIR="$0" exec "$@"'
APART = ["unshare", "--mount", "--map-root-user"]


def mountable() -> bool:
    if sys.platform != "linux":
        return False
    return subprocess.run([*APART, "sh", "-c", MOUNT, "/mnt", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not mountable(), reason="no disk can be mounted here")
def test_a_bad_disk_is_told_of_by_name_and_costs_no_face(tmp_path):
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/addon/on_a_small_disk.py"]
    disk = {**os.environ, "FACEWRIGHT_TEST_DISK": str(tmp_path)}
    said = subprocess.run(
        [*APART, "sh", "-c", MOUNT, tmp_path, *words], cwd=ROOT, env=disk, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stdout[-5000:] + said.stderr[-1000:]
