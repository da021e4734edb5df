"""Runs pip, apt-get and the rest as child processes, watched: a log, an end when asked, named errors for what fails.

Standard library only: Blender's Python imports this file.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BackendError, DiskFull, FolderUnwritable, InstallFailed, NoNetwork, PackageAltered

Emit = Callable[[dict[str, object]], None]

TAIL_LINES = 12
HIDDEN = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # on Windows a child of Blender would open a console
# What would bend Python's or pip's paths.
BENT = {
    *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"),
    *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIREMENT", "PIP_CONSTRAINT", "PIP_REQUIRE_VIRTUALENV"),
}
_PROGRESS = "Progress "  # pip's lines of bytes: watched, not kept
_NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError"
    r"|Temporary failure in name resolution|Temporary failure resolving|Network is unreachable"
)
_ALTERED = re.compile(r"DO NOT MATCH THE HASHES")
_DISK_FULL = re.compile(r"No space left on device|Errno 28|not enough space on the disk", re.IGNORECASE)
_UNWRITABLE = re.compile(r"Permission denied|Errno 13|Read-only file system|Errno 30")


@dataclass(frozen=True)
class Runner:
    """How children are run: with a cleaned environment, their words in `log`, holding open `held` (the lock).

    A child that outlives this process keeps the lock, so that nobody else writes beside it. `stop` is asked at each
    line and twice a second; what it raises ends the child.
    """

    environ: Mapping[str, str]
    log: Path
    held: int | None = None
    stop: Callable[[], None] = lambda: None

    def run(self, command: Sequence[str | Path], watch: Callable[[str], None] = lambda line: None) -> str:
        """The child's output. `watch` sees each line, and "" twice a second while there is none.

        Raises:
            NoNetwork, DiskFull, FolderUnwritable, PackageAltered, InstallFailed: the child failed; by what it said.
        """
        words = [str(word) for word in command]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=child_environ(self.environ),
            pass_fds=() if self.held is None or os.name == "nt" else (self.held,),
            creationflags=HIDDEN,
            start_new_session=os.name == "posix",  # a group of its own, so that its own children end with it
        )

        def tick(line: str) -> None:
            self.stop()
            watch(line)

        lines: list[str] = []
        try:
            self.stop()
            _follow(child, tick, lines)
        except BaseException:  # also an interrupt: the child must not go on alone
            _end(child)
            raise
        finally:
            child.wait()
            output = "\n".join(lines)
            with self.log.open("a", encoding="utf-8") as log:
                log.write(f"$ {shlex.join(words)}\n{output}\n")
        if child.returncode != 0:
            raise _explain(words, output, self.log)
        return output


def _end(child: subprocess.Popen[str]) -> None:
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
    else:
        child.terminate()


def child_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """What children inherit: the user's pip settings and proxies, nothing that bends paths."""
    return {name: value for name, value in environ.items() if name not in BENT} | {
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "PIP_USER": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
    }


def _follow(child: subprocess.Popen[str], watch: Callable[[str], None], kept: list[str]) -> None:
    """Until the child's last line; what it says is added to `kept`."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert child.stdout is not None
        with child.stdout as stream:
            for line in stream:
                lines.put(line.rstrip())
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=0.5)
        except queue.Empty:
            watch("")
            continue
        if line is None:
            return
        if line:
            if not line.startswith(_PROGRESS):
                kept.append(line)
            watch(line.strip())


def _explain(words: list[str], output: str, log: Path) -> BackendError:
    tail = "\n".join(output.splitlines()[-TAIL_LINES:])
    message = f"{Path(words[0]).name} failed; all it said is in {log}:\n{tail}"
    if _DISK_FULL.search(output):
        return DiskFull(message, advice="free some space and start again; what is there is used")
    if _ALTERED.search(output):
        return PackageAltered(
            f"a package is not the one that was locked; all that was said is in {log}:\n{tail}",
            advice="something between here and the index changes files: a mirror, a proxy; use another (PIP_INDEX_URL)",
        )
    if _NO_NETWORK.search(output):
        advice = "check the connection, proxy (HTTPS_PROXY) or mirror (PIP_INDEX_URL) and start again"
        unreached = f"{Path(words[0]).name} reached no package index; all it said is in {log}"
        return NoNetwork(unreached, advice=f"{advice}; what has arrived is used")
    if _UNWRITABLE.search(output):
        return FolderUnwritable(message, advice="set FACEWRIGHT_HOME to a folder you may write")
    return InstallFailed(message, advice="start again; if it fails again, the log says why")
