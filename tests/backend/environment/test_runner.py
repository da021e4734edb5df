"""Children: their words in a log, named errors for how they fail, an end when asked."""

import os
import sys
import time

import pytest

from backend.environment import packages
from backend.environment.runner import Runner, child_environ
from backend.errors import Cancelled, DiskFull, FolderUnwritable, InstallFailed, NoNetwork, PackageAltered


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("connection broken by 'NewConnectionError(...)'", NoNetwork),
        ("OSError: [Errno 28] No space left on device", DiskFull),
        ("error: [Errno 13] Permission denied: '/usr'", FolderUnwritable),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", PackageAltered),
        ("ERROR: No matching distribution found for toy", InstallFailed),
    ],
)
def test_what_a_child_says_decides_the_error(said, kind, tmp_path):
    runner = Runner(os.environ, tmp_path / "logs" / "install.log")
    with pytest.raises(kind, match=r"install\.log") as caught:
        runner.run([sys.executable, "-c", f"import sys; print({said!r}); sys.exit(1)"])
    assert caught.value.advice
    assert said in (tmp_path / "logs" / "install.log").read_text(encoding="utf-8")


def test_a_silent_child_is_stopped_within_a_second_and_its_words_are_kept(tmp_path):
    began = time.monotonic()

    def stop():
        if time.monotonic() - began > 1.0:
            raise Cancelled("enough")

    runner = Runner(os.environ, tmp_path / "log", stop=stop)
    with pytest.raises(Cancelled):
        runner.run([sys.executable, "-u", "-c", "import time; print('here'); time.sleep(60)"])
    assert time.monotonic() - began < 10
    assert "sleep(60)" in (tmp_path / "log").read_text(encoding="utf-8")


def test_progress_lines_are_watched_but_not_kept(tmp_path):
    heard = []
    runner = Runner(os.environ, tmp_path / "log")
    assert runner.run([sys.executable, "-c", "print('Progress 1 of 2\\nend')"], heard.append) == "end"
    assert "Progress 1 of 2" in heard


def test_the_users_mirror_and_proxy_are_passed_on_and_what_bends_paths_is_not():
    given = {"PIP_INDEX_URL": "a", "HTTPS_PROXY": "b", "PIP_TARGET": "c", "PYTHONPATH": "d", "PIP_CONSTRAINT": "e"}
    passed = child_environ(given)
    assert (passed["PIP_INDEX_URL"], passed["HTTPS_PROXY"]) == ("a", "b")
    assert not passed.keys() & {"PIP_TARGET", "PYTHONPATH", "PIP_CONSTRAINT"}


def test_an_index_that_does_not_answer_costs_its_seconds_only():
    began = time.monotonic()
    assert not packages._answers("http://127.0.0.1:9/")
    assert time.monotonic() - began < packages.PROBE_S + 1
