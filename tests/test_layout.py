"""Who may import whom, what must load without packages, and how large things may be."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BACKEND = sorted((ROOT / "backend").rglob("*.py"))
ADDON = sorted((ROOT / "addon").rglob("*.py"))
OURS = [*BACKEND, *ADDON, *sorted((ROOT / "tests").rglob("*.py")), *ROOT.glob("*.py")]
MODULE_LINES, FUNCTION_LINES = 400, 60

ROOMS = {"face", "render", "diffusion", "stages", "training", "evaluation"}
LEAVES = {"errors", "files", "provenance", "settings"}  # plain modules of the standard library that any room may use
# what may load torch when it is imported
HEAVY = {
    *ROOMS,
    "warped",
    "workshop",
    "pictures",
    "making",
    "editing",
    "leading",
    "layering",
    "candidates",
    "importing",
    "running",
}
WORKSHOP = HEAVY | LEAVES | {"checkpoints", "warm"}
# Each part of the backend, and what it may import of the rest; "face.mesh" is that module only, "" is the
# package itself.
ARROWS: dict[str, set[str]] = {
    "": set(),
    "errors": set(),
    "files": {"errors"},
    "provenance": {""},
    "protocol": {"errors"},
    "environment": {"errors", "files"},
    "selftest": {"errors", "jobs"},
    "checkpoints": {"errors", "files"},
    "settings": {"errors"},
    "progress": set(),
    "commandline": {"checkpoints", "errors"},
    "doctor": {"", "checkpoints", "environment", "errors"},
    "transfer": {"errors", "files", "protocol"},
    "memory": set(),
    "warm": {"memory"},
    "service": {"errors", "files", "protocol", "transfer"},
    "serve": {"", "errors", "files", "memory", "protocol", "service", "transfer"},
    "warped": set(),
    "face": {*LEAVES, "warped"} - {"settings"},
    "render": {"errors", "files", "provenance", "warped", "face.mesh", "face.checks", "face.correspond"},
    "diffusion": {"errors"},
    "stages": {*LEAVES, "face", "render", "diffusion"},
    "language": set(),
    "router": {"language"},
    "retrying": {"diffusion", "workshop"},
    "candidates": {*WORKSHOP, "making"} - {"training", "evaluation"},
    "prompts": {"checkpoints", "errors", "language"},
    "evaluation": {*WORKSHOP, "language", "prompts", "jobs", "protocol"},
    "moves": {"language"},
    "afterwards": {"language", "moves"},
    "leading": {"afterwards", "prompts", *WORKSHOP} - {"training", "evaluation", "importing"},
    "training": {*WORKSHOP, "language", "router"} - {"evaluation"},
    "workshop": {*LEAVES, "checkpoints", "warm", "face", "render", "diffusion"},
    "pictures": {*LEAVES, "workshop", "face", "render"},
    "making": {*WORKSHOP, "prompts", "language"} - {"training", "evaluation", "importing"},
    "importing": WORKSHOP - {"training", "evaluation", "stages"},
    "editing": {"router", "moves", "language", "prompts", *WORKSHOP} - {"training", "evaluation", "importing"},
    "layering": {"errors", "face", "provenance"},
    "running": {*LEAVES, "face", "pictures", "stages"},
    "showing": {*LEAVES, "face", "workshop"} - {"settings"},
    "jobs": {"", "memory", "retrying", "showing", "prompts", *WORKSHOP, "protocol"} - {"training"},
    "demo": {"", "commandline", *WORKSHOP, "environment", "jobs"} - {"training", "stages"},
    "__main__": {
        *(
            "",
            "checkpoints",
            "commandline",
            "demo",
            "doctor",
            "environment",
            "errors",
            "jobs",
            "progress",
            "service",
            "serve",
            "training",
        ),
        *("checkpoints", "evaluation", "files", "protocol", "service", "settings", "workshop"),
    },
}
NETWORK = {"urllib.request", "http", "socket", "ssl", "ftplib", "smtplib", "requests", "httpx", "huggingface_hub"}
# Set-up and `checkpoints fetch`; all else works without a network.
ONLINE = {"environment/checks.py", "environment/packages.py", "checkpoints/hub.py"}
SHARED = (  # with the add-on
    *("protocol", "transfer", "errors", "environment", "checkpoints", "files", "language"),
    *("provenance", "router", "settings"),
)
MAY = ("link/bundle.py", "link/inprocess.py")  # know where the backend is
IN_BLENDER = {"bpy", "bmesh", "mathutils", "gpu", "blf", "addon_utils", "bl_ui", "bpy_extras", "numpy"}


def part_of(path: Path) -> str:
    parts = path.relative_to(ROOT / "backend").with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imports(path: Path, *, module_level: bool = False) -> Iterator[tuple[int, str]]:
    """(level, dotted name) of each import; a `from` import names the module where it is one of ours."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if module_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.level, ".".join(filter(None, [node.module, alias.name]))) for alias in node.names)


def relative_targets(path: Path) -> Iterator[str]:
    """The backend modules that a backend file imports, such as "face.mesh"."""
    package = path.relative_to(ROOT / "backend").parent.parts
    for level, name in imports(path):
        if level:
            parts = [*package[: len(package) - level + 1], *name.split(".")]
            while parts and not module_exists(parts):
                parts.pop()
            yield ".".join(parts)


def module_exists(parts: list[str]) -> bool:
    place = ROOT.joinpath("backend", *parts)
    return place.with_suffix(".py").is_file() or place.is_dir()


def named(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.relative_to(ROOT).as_posix())


@named(BACKEND)
def test_the_backend_imports_along_the_arrows(path: Path):
    own = part_of(path)
    assert own in ARROWS, f"{own} needs a line in the table of arrows"
    for target in relative_targets(path):
        part = target.split(".")[0]
        allowed = part == own or part in ARROWS[own] or target in ARROWS[own]
        assert allowed, f"{path.relative_to(ROOT)} may not import {target or 'the package'}"


@named(BACKEND)
def test_the_backend_knows_neither_blender_nor_its_own_name(path: Path):
    outside = {name.split(".")[0] for level, name in imports(path) if level == 0}
    assert not outside & {"bpy", "bmesh", "mathutils", "addon", "backend"}


@named([path for path in BACKEND if part_of(path) not in HEAVY])
def test_above_the_rooms_nothing_heavy_loads_at_import(path: Path):
    outside = {name.split(".")[0] for level, name in imports(path, module_level=True) if level == 0}
    assert outside <= sys.stdlib_module_names


@named(BACKEND)
def test_only_fetching_and_setting_up_know_a_network(path: Path):
    reached = {name for level, name in imports(path) if level == 0}
    online = {name for name in reached for one in NETWORK if name == one or name.startswith(f"{one}.")}
    assert not online or path.relative_to(ROOT / "backend").as_posix() in ONLINE


@pytest.mark.parametrize("stage", ["geometry", "texture", "guiding", "optimise"])
def test_generating_reads_no_words_but_through_the_networks(stage: str):
    path = ROOT / "backend" / "stages" / f"{stage}.py"
    if path.is_file():
        assert not [name for _, name in imports(path) if {"language", "router", "prompts"} & set(name.split("."))]


@named(ADDON)
def test_the_addon_needs_only_what_blender_has(path: Path):
    inside = path.relative_to(ROOT / "addon").parts
    outside = {name.split(".")[0] for level, name in imports(path) if level == 0}
    through = {"backend"} if inside in (("link", "bundle.py"), ("link", "inprocess.py")) else set()
    assert outside - sys.stdlib_module_names <= IN_BLENDER | through
    if inside[0] in ("link", "session"):
        assert "bpy" not in outside


@named([path for path in ADDON if path.relative_to(ROOT / "addon").as_posix() not in MAY])
def test_only_the_bundle_knows_where_the_backend_is(path: Path):
    reached = [name for level, name in imports(path) if level and name.split(".")[0] == "backend"]
    assert not reached


@pytest.mark.parametrize("module", [name for name in SHARED if module_exists([name])])
def test_shared_modules_load_with_the_standard_library_alone(module: str):
    code = f"import sys, backend.{module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    asked = subprocess.run([sys.executable, "-S", "-E", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr
    assert set(asked.stdout.split()) - sys.stdlib_module_names <= {"backend", "__main__"}


@named([*BACKEND, *ADDON])
def test_no_file_can_run_code(path: Path):
    assert not {name.split(".")[0] for _, name in imports(path)} & {"pickle", "marshal", "shelve", "dill"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            options = {word.arg: ast.unparse(word.value) for word in node.keywords}
            called = ast.unparse(node.func)
            assert called not in ("eval", "exec"), f"line {node.lineno}"
            assert called != "torch.load" or options.get("weights_only") == "True", f"line {node.lineno}"
            assert options.get("allow_pickle", "False") == "False", f"line {node.lineno}"


@named(OURS)
def test_modules_and_functions_stay_small(path: Path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MODULE_LINES
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0].lineno
            body = [line for line in lines[first - 1 : node.end_lineno] if line.strip()]
            assert len(body) <= FUNCTION_LINES, f"{node.name} has {len(body)} lines"
