"""Makes the Python environment in which everything heavy runs: `$FACEWRIGHT_HOME/env`, by venv and pip.

Used by the command line and by the add-on. What goes in is data (`backend/requirements/`): every wheel of every
platform with its hash, so that two machines get the same and no CUDA package slips into a CPU environment.

    check → confirm → interpreter → packages → self-test → ready

A stamp, written last, says what is whole; without it nothing is used, and what a killed set-up left is finished by
the next.

A set-up button, with a timer that polls (nothing here touches Blender, nothing here waits but the threads it starts):

    home = home_near(Path(bpy.utils.extension_path_user(…)), os.environ)
    setup = SetUp(home, "run", os.environ, offline=not bpy.app.online_access)
    state(home, setup.recipe, "run")         # at any time, milliseconds: State(phase, python, fault)
    look = InBackground(lambda emit, cancelled: setup.look())
    look.result.lines()                      # a Preview: warnings, faults, MB, disk, minutes, licences → a dialog;
    look.result.faults                       # not empty: the button stays off, each has title, message and advice
    go = InBackground(setup.run)             # confirmed; or partial(setup.run, repair=True)
    for event in go.poll(): ...              # {"type": "state", "state"} or {"type": "progress", "state", "phase",
                                             # "step", "total"[, "unit", "bytes", "bytes_total", "seconds_left"]}
    go.cancel()                              # what has come stays for the next time
    go.running, go.result, go.error          # the interpreter, or a BackendError (Cancelled after `cancel`)

`SetUp(…, folder=FOLDER)` installs from a folder of wheels, without network; `gather` fills one. `adopt` tries the
user's own environment. `remove(home)` deletes what was made. Two Blenders wait for each other, `EnvironmentBusy` after
half an hour. Checkpoints come in `InBackground` too:
`lambda emit, cancelled: checkpoints.fetch(wanted, terms, emit, cancelled)`.

recipe.py       what is installed where: profiles and locks
places.py       where it lies, the stamp, the lock against a second set-up, the user's own environment
machine.py      cards, memory, disk
checks.py       what is looked at before a byte is fetched
plan.py         what will come: bytes, disk, minutes, licences
interpreter.py  the Python that makes it; what a bare Debian lacks
packages.py     pip, by hashes, in small groups
testing.py      imports and the self-test
setup.py        the machine of states
background.py   the same in a thread
runner.py       child processes
locking.py      makes the locks (a tool of the developers)

Standard library only: Blender's Python imports this package.
"""

from .background import InBackground
from .checks import Finding
from .machine import Gpu, accelerator, gpus
from .places import ROOT, borrow, find, home, home_near, python_of, read_stamp
from .plan import Plan
from .recipe import Profile, Recipe, read_recipe
from .setup import (
    CHECK,
    CONFIRM,
    INTERPRETER,
    PACKAGES,
    READY,
    SELFTEST,
    Preview,
    SetUp,
    State,
    adopt,
    gather,
    remove,
    state,
)

__all__ = [
    "CHECK",
    "CONFIRM",
    "INTERPRETER",
    "PACKAGES",
    "READY",
    "ROOT",
    "SELFTEST",
    "Finding",
    "Gpu",
    "InBackground",
    "Plan",
    "Preview",
    "Profile",
    "Recipe",
    "SetUp",
    "State",
    "accelerator",
    "adopt",
    "borrow",
    "find",
    "gather",
    "gpus",
    "home",
    "home_near",
    "python_of",
    "read_recipe",
    "read_stamp",
    "remove",
    "state",
]
