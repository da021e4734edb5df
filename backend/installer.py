"""Runs pip and apt-get as child processes, watched: progress out, a log, and named errors for what fails.

Standard library only: Blender's Python imports this file.
"""

import os
import queue
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import BackendError, DiskFull, FolderUnwritable, InstallFailed, LibraryMissing, NoNetwork

Emit = Callable[[dict[str, object]], None]

TAIL_LINES = 12
# How pip's lines name a package; "Processing" a wheel that is a file.
_MENTIONED = re.compile(
    r"(Collecting|Requirement already satisfied:|Ignoring) ([\w.-]+)|Processing (?:.*[/\\])?([\w.]+)-\d[^/\\]*\.whl"
)
_NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError"
    r"|Temporary failure in name resolution|Temporary failure resolving|Network is unreachable"
)
_DISK_FULL = re.compile(r"No space left on device|Errno 28|not enough space on the disk", re.IGNORECASE)
_UNWRITABLE = re.compile(r"Permission denied|Errno 13|Read-only file system|Errno 30")


@dataclass(frozen=True)
class Runner:
    """How children are run: with a cleaned environment, their words in `log`, holding open `held` (the lock).

    A child that outlives this process keeps the lock, so that nobody else writes beside it.
    """

    environ: Mapping[str, str]
    log: Path
    held: int | None = None

    def run(self, command: Sequence[str | Path], watch: Callable[[str], None] = lambda line: None) -> str:
        """The child's output. `watch` sees each line, and "" twice a second while there is none.

        Raises:
            NoNetwork, DiskFull, FolderUnwritable, InstallFailed: the child failed; by what it said.
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
        )
        try:
            output = _follow(child, watch)
        except BaseException:  # also an interrupt: the child must not go on alone
            child.terminate()
            raise
        finally:
            child.wait()
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {shlex.join(words)}\n{output}\n")
        if child.returncode != 0:
            raise _explain(words, output, self.log)
        return output


def child_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """What children inherit: the user's pip settings and proxies, nothing that bends Python's paths."""
    bent = {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    kept = {name: value for name, value in environ.items() if name not in bent}
    return kept | {
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "PIP_USER": "0",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
    }


def pip_install(
    runner: Runner, python: Path, pins: Sequence[str], emit: Emit, *, options: Sequence[str] = ("--no-deps",)
) -> None:
    """Install exactly `pins` into the environment of `python`; what is there already is left alone."""
    wanted = {package_name(pin) for pin in pins}
    heard, ignored = set(), set()

    def watch(line: str) -> None:
        phase, there = "fetching packages", heard
        if found := _MENTIONED.match(line):
            heard.add(package_name(found[2] or found[3]))
            if found[1] == "Ignoring":  # for another system, says its marker
                ignored.add(package_name(found[2]))
        elif heard >= wanted:
            phase, there = "installing packages", installed(python.parent.parent) | ignored
        emit({"type": "progress", "phase": phase, "step": len(wanted & there), "total": len(wanted)})

    command = [python, "-m", "pip", "install", "--no-compile", "--progress-bar", "off", *options, *pins]
    runner.run(command, watch)


def installed(environment: Path) -> set[str]:
    """The normalised names of what is installed in an environment."""
    return {package_name(info.name) for info in _records(environment)}


def drop_half_installed(environment: Path) -> None:
    """Forget packages whose installation was cut off: no RECORD, which pip writes last."""
    for info in _records(environment):
        if not (info / "RECORD").is_file():
            shutil.rmtree(info)


def package_name(text: str) -> str:
    """The normalised name in `Some_Package==1.2; marker` or `some_package-1.2.dist-info`."""
    name = text.removesuffix(".dist-info").rsplit("-", 1)[0] if text.endswith(".dist-info") else text
    return re.sub(r"[-_.]+", "-", re.split(r"[=<>!~;\[ ]", name)[0]).lower()


def apt_install(runner: Runner, packages: Sequence[str], why: str, emit: Emit) -> None:
    """Install Debian packages where we may (root, with apt-get).

    Raises:
        LibraryMissing: where we may not; the advice is the one line that does it.
    """
    line = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    may = os.name == "posix" and os.geteuid() == 0
    if not (may and Path("/usr/bin/apt-get").exists()):
        raise LibraryMissing(f"{why}: {', '.join(packages)}", advice=f"sudo apt-get update && sudo {line}")
    emit({"type": "progress", "phase": "installing system libraries", "step": 0, "total": 1})
    quiet = Runner({**runner.environ, "DEBIAN_FRONTEND": "noninteractive"}, runner.log, runner.held)
    quiet.run(["apt-get", "update", "-q"])
    quiet.run(shlex.split(line))


def _records(environment: Path) -> list[Path]:
    folder = "Lib" if os.name == "nt" else "lib/python3*"
    return list(environment.glob(f"{folder}/site-packages/*.dist-info"))


def _follow(child: "subprocess.Popen[str]", watch: Callable[[str], None]) -> str:
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert child.stdout is not None
        with child.stdout as stream:
            for line in stream:
                lines.put(line.rstrip())
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    output = []
    while True:
        try:
            line = lines.get(timeout=0.5)
        except queue.Empty:
            watch("")
            continue
        if line is None:
            return "\n".join(output)
        if line:
            output.append(line)
            watch(line.strip())


def _explain(words: list[str], output: str, log: Path) -> BackendError:
    tail = "\n".join(output.splitlines()[-TAIL_LINES:])
    message = f"{Path(words[0]).name} failed; all it said is in {log}:\n{tail}"
    if _DISK_FULL.search(output):
        return DiskFull(message, advice="free some space and start again; what is there is used")
    if _NO_NETWORK.search(output):
        advice = "check the connection, proxy (HTTPS_PROXY) or mirror (PIP_INDEX_URL) and start again"
        unreached = f"{Path(words[0]).name} reached no package index; all it said is in {log}"
        return NoNetwork(unreached, advice=f"{advice}; what has arrived is used")
    if _UNWRITABLE.search(output):
        return FolderUnwritable(message, advice="set FACEWRIGHT_HOME to a folder you may write")
    return InstallFailed(message, advice="start again; if it fails again, the log says why")
