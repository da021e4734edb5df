"""The door: `python3 -m backend COMMAND`. Any Python from 3.11 opens it; what is heavy runs in the environment.

A command that needs torch makes the environment if it is not there, says so, and goes on inside it. Nothing
below this module prints or reads the environment's variables.
"""

import argparse
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from . import commandline, environment
from .errors import BackendError, PackageMissing
from .progress import ProgressLine

INTERRUPTED = 130


def main(words: list[str]) -> int:
    """Run one command; returns the exit status."""
    options = commandline.parse(words)
    line = ProgressLine(sys.stderr)
    answer: BinaryIO | None = None
    try:
        commandline.check(options)
        if options.command == "train":
            _train_words(options)
        _settle(words, options, line)
        if options.command == "serve":
            return _serve(options.parent_pid)
        if options.json:
            from .serve import take_standard_streams

            _, answer = take_standard_streams()
        outcome = COMMANDS.get(options.command, _job)(options, line)
        line.close()
        if isinstance(outcome, int):
            return outcome
        _show(outcome, answer)
    except KeyboardInterrupt:
        line.close()
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BackendError as error:
        line.close()
        print(f"{error.title}: {error.message}", file=sys.stderr)
        if error.advice:
            print(f"What to do: {error.advice}", file=sys.stderr)
        if options.command == "serve":
            _answer_unable(error)
        elif options.json:
            told = {"code": error.code, "title": error.title, "message": error.message, "advice": error.advice}
            _show({"error": told}, answer or sys.stdout.buffer)
        return error.exit_status
    return 0


def _settle(words: list[str], options: argparse.Namespace, line: ProgressLine) -> None:
    """Return in the interpreter the command needs; from any other, become that one and do not return."""
    home = environment.home(os.environ)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else idle threads of torch keep the cores
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ["FACEWRIGHT_HOME"] = str(home)
    os.environ.setdefault("FACEWRIGHT_KERNELS", str(home / "kernels"))
    name = commandline.profile_of(options.command)
    if name is None:
        return
    recipe = environment.read_recipe()
    borrowed = os.environ.get("FACEWRIGHT_ENV")
    own = Path(borrowed) if borrowed else home / "env"
    inside = Path(sys.prefix).resolve() == own.resolve()
    if inside and (borrowed or environment.find(home, recipe.profiles[name])):
        return
    if borrowed:
        python = environment.borrow(own, recipe, name)
    elif options.command == "serve":  # the add-on asks before it installs
        python = environment.find(home, recipe.profiles[name])
        if python is None:
            advice = 'python3 -m backend generate "a man" --out first, typed here, makes it'
            raise PackageMissing("the environment is not made yet", advice=advice)
    else:
        python = environment.find(home, recipe.profiles[name]) or _prepare(home, name, line)
    _become([str(python), "-m", "backend", *words], {**os.environ, "PYTHONPATH": str(environment.ROOT)})


def _prepare(home: Path, name: str, line: ProgressLine) -> Path:
    def say(preview: environment.Preview) -> bool:
        line.close()
        print(f"Setting up the {name} environment, once; later commands need no network.", file=sys.stderr)
        print(*preview.lines(), sep="\n", file=sys.stderr, flush=True)
        return True

    python = environment.SetUp.of(home, name, os.environ).run(line.emit, confirm=say)
    line.close()
    return python


def _become(command: list[str], environ: Mapping[str, str]) -> None:
    """Replace this process, or where that is impossible stand in front of the new one."""
    sys.stderr.flush()
    sys.stdout.flush()
    if os.name == "nt":
        raise SystemExit(subprocess.run(command, env=environ).returncode)
    os.execve(command[0], command, dict(environ))


def _serve(parent_pid: int | None) -> int:
    from .serve import Server, take_standard_streams
    from .service import Service

    requests, events = take_standard_streams()
    from . import jobs  # loads nothing heavy; `describe` does

    folder = environment.home(os.environ) / "jobs"
    Server(Service(jobs.JOBS, jobs.describe, jobs.unload, jobs.limit), requests, events, parent_pid, folder).run()
    sys.stderr.flush()
    os._exit(0)  # torch takes seconds to end in order, and nothing is left to do


def _answer_unable(error: BackendError) -> None:
    """Tells the client why nothing can be served, in its own words."""
    from . import protocol

    sys.stdout.buffer.write(protocol.encode(protocol.Error.of("", error)))
    sys.stdout.buffer.flush()


def _demo(options: argparse.Namespace, line: ProgressLine) -> Mapping[str, Any]:
    from . import demo

    return demo.main(options, line.emit)


def _test(options: argparse.Namespace, line: ProgressLine) -> int:
    os.chdir(environment.ROOT)
    command = [sys.executable, "-m", "pytest", *options.rest]
    return subprocess.run(command).returncode


def _train(options: argparse.Namespace, line: ProgressLine) -> Mapping[str, Any]:
    from . import training

    return training.main(_train_words(options), line.emit)


def _train_words(options: argparse.Namespace) -> list[str]:
    """What follows `train`, in words of its own; ends the process where they are wrong, or ask for help."""
    from . import training

    words = [*filter(None, [options.what]), *options.rest]
    training.parse(words)
    return words


def _evaluate(options: argparse.Namespace, line: ProgressLine) -> Mapping[str, Any]:
    from .evaluation.evaluating import Asked, evaluate

    values = commandline.job_values(options)
    if values.pop("first_contact"):
        from .evaluation.first_contact import first_contact

        return first_contact(options.out, line.emit, options.base, settings=values["settings"])
    report = evaluate(Asked(**values), line.emit)
    line.close()
    if options.json:
        return report.summary()
    told = {
        name: {key: one.words(3) for key, one in found.items() if one.value is not None}
        for name, found in report.keys.items()
    }
    rest = {"invalid because": report.broken, "failed": report.failed, "skipped": report.skipped}
    return told | {name: value for name, value in rest.items() if value} | {"report": str(options.out / "report.html")}


def _doctor(options: argparse.Namespace, line: ProgressLine) -> dict[str, Any]:
    from . import doctor

    home = environment.home(os.environ)
    if options.remove:
        return {"removed MB": environment.remove(home, line.emit) >> 20}
    if options.gather:
        return doctor.gather(home, options.gather, os.environ, line.emit)
    if options.repair:
        doctor.repair(home, os.environ, line.emit)
    return doctor.report(home, os.environ, line.emit, quick=options.quick)


def _checkpoints(options: argparse.Namespace, line: ProgressLine) -> Mapping[str, Any]:
    from .checkpoints import command

    outcome = command.main(options, line.emit)
    if "markdown" in outcome and not options.json:
        print(outcome["markdown"], end="")
        return {}
    return outcome


def _bench(options: argparse.Namespace, line: ProgressLine) -> Mapping[str, Any]:
    from .evaluation import bench_all

    found, told = bench_all.measure((options.what,) if options.what else bench_all.KINDS, line.emit)
    line.close()
    if options.json:
        return found
    print(told)
    return {}


def _look(options: argparse.Namespace, line: ProgressLine) -> Mapping[str, Any]:
    """`show` and `render`: jobs where they name a face, else of a head model."""
    if options.face is not None:
        return _job(options, line)
    from .evaluation import heads

    if options.command == "show":
        return heads.report(options.head, options.slider)
    if options.uv:
        return heads.uv_sheet(options.head, options.out)
    people = (options.identities, options.expressions, options.seed)
    return heads.people_sheet(options.head, *people, options.out, shoulders=options.shoulders)


def _job(options: argparse.Namespace, line: ProgressLine) -> Mapping[str, Any]:
    from . import jobs

    values = commandline.job_values(options)
    return (jobs.JOBS.get(options.command) or jobs.show)(**values, emit=line.emit, cancelled=lambda: False)


COMMANDS: dict[str, Callable[..., Any]] = {
    "demo": _demo,
    "test": _test,
    "train": _train,
    "evaluate": _evaluate,
    "bench": _bench,
    "show": _look,
    "render": _look,
    "doctor": _doctor,
    "checkpoints": _checkpoints,
}


def _show(outcome: Mapping[str, Any], answer: BinaryIO | None) -> None:
    if answer is not None:
        answer.write(json.dumps(outcome, default=str).encode() + b"\n")
        answer.flush()
        return
    for name, value in outcome.items():
        if isinstance(value, dict):
            print(f"{name}:")
            width = max((len(str(key)) for key in value), default=0)
            for key, one in value.items():
                print(f"    {key!s:<{width}}  {one}")
        else:
            print(f"{name + ':':<16}{value}")


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except Exception:  # noqa: BLE001 - a bug: all that is known of it, and a status of its own
        traceback.print_exc()
        status = 1
    sys.exit(status)
