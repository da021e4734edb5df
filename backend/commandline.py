"""What can be typed after `python -m backend`, and what is checked before anything heavy is loaded."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .checkpoints import PROFILES as FAMILIES
from .errors import EmptyPrompt, FaceMissing, FolderExists, FolderUnwritable, UnknownOption, UsageError

# the environment's; None: any Python; others "run"
PROFILES = {"demo": "demo", "test": "test", "train": "test", "doctor": None, "checkpoints": None}
HEADS_TOO = {"show": ("head", "slider"), "render": ("head", "identities", "expressions", "seed", "uv")}  # their options
SHOULDERS = "with neck and shoulders, which Anny has"
PASSES_ON = ("test", "train")  # what these do not know goes on to pytest, to the trainer


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command and its options; `rest` holds what is passed on. argparse ends the process on a bad one."""
    parser = _parser()
    options, rest = parser.parse_known_args(words)
    if rest and options.command not in PASSES_ON:
        parser.error(f"{options.command} does not know {' '.join(rest)}")
    options.rest = rest
    return options


def profile_of(command: str) -> str | None:
    """The profile of the environment a command runs in, None if it runs anywhere."""
    return PROFILES.get(command, "run")


def job_values(options: argparse.Namespace) -> dict[str, Any]:
    """A job command's options as the keywords of the job.

    Raises:
        UsageError: a number or a setting that is none.
    """
    others = ("command", "json", "rest", *HEADS_TOO.get(options.command, ()))
    values = {name: value for name, value in vars(options).items() if name not in others}
    if "settings" in values:
        values["settings"] = dict(_pair(word, "stage.field=value") for word in values["settings"])
    if (every := values.pop("save_every", None)) is not None:
        stages = ("geometry", "texture") if options.command == "generate" else ("edit_geometry", "edit_texture")
        values["settings"] = {f"{stage}.save_every": every for stage in stages} | values["settings"]
    if (size := values.pop("texture_size", None)) is not None:
        values["settings"] = {"texture.size": size} | values["settings"]
    if "strengths" in values:
        pairs = [_pair(word, "LAYER=STRENGTH") for word in values["strengths"]]
        values["strengths"] = {_number(int, layer): _number(float, strength) for layer, strength in pairs}
    for name, kind in (("order", int), ("views", float), ("tokens", int)):
        if values.get(name) is not None:
            values[name] = tuple(_number(kind, word) for word in values[name].split(","))
    for name in ("region", "words"):
        if name in values:
            values[name] = tuple(one.strip() for some in values[name] for one in some.split(",") if one.strip())
    if "tokens" in values:
        values["tokens"] = values["tokens"] or ()
    for name in ("mute", "unmute", "negative"):
        if name in values:
            values[name] = tuple(values[name])
    return values


def check(options: argparse.Namespace) -> None:
    """Refuse in a moment what could not succeed in minutes.

    Raises:
        EmptyPrompt, FaceMissing, FolderExists, FolderUnwritable, UsageError.
    """
    if options.command not in PROFILES and options.command != "serve":
        job_values(options)
    if getattr(options, "blind", False) and not options.compare:
        raise UsageError("--blind needs two presets", advice="name them with --compare P,Q")
    for name in ("prompt", "instruction", "texture_prompt"):
        texts = getattr(options, name, None)
        for text in texts if isinstance(texts, list) else [texts]:
            if text is not None and not text.strip():
                raise EmptyPrompt(f"the {name.replace('_', ' ')} is empty", advice='such as "an old man, long nose"')
    for name in ("face", "parent", "copy_to"):
        face = getattr(options, name, None)
        if face is not None and not (face / "face.json").is_file():
            raise FaceMissing(f"{face} holds no face.json", advice="name a folder that generate or edit has made")
    if options.command in HEADS_TOO and (options.face is None) == (options.head is None):
        raise UsageError("name a face folder or a --head", advice=f"such as {options.command} --head anny")
    out = getattr(options, "out", None)
    if out is None:
        return
    if out.exists() and options.command in ("generate", "edit", "import", "layers"):
        raise FolderExists(f"{out} exists and is not overwritten", advice="choose another --out")
    if options.command == "export" and out.suffix not in (".glb", ".obj"):
        raise UsageError(f"{out.name} is neither .glb nor .obj", advice="name the file that is wanted, such as a.glb")
    there = out.absolute()
    while not there.exists():
        there = there.parent
    if not os.access(there, os.W_OK) or (there != out.absolute() and not there.is_dir()):
        raise FolderUnwritable(f"{out} cannot be written", advice="choose another --out")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m backend",
        allow_abbrev=False,
        description="Facewright makes a 3D face from words and edits it by instruction.",
        epilog="Exit status: 0 done, 2 asked wrongly, 3 failed with advice, 1 a bug, 130 interrupted.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
        sub.add_argument("--json", action="store_true", help="one line of JSON on stdout, all else on stderr")
        return sub

    demo = command("demo", "from words to a .blend: make a face, edit it, put it into Blender")
    demo.add_argument("--prompt")
    demo.add_argument("--instruction", action="append", help="an edit; may be given several times")
    demo.add_argument("--seed", type=int, default=0)
    demo.add_argument("--out", type=Path, help="folder for what it makes")

    command("test", "run the tests; further options are pytest's")
    command("train", "train or convert what ckpts/starter holds").add_argument("what")
    serve = command("serve", "talk to the Blender add-on over stdin and stdout")
    serve.add_argument("--parent-pid", type=int, help="end when this process ends")
    bench = command("bench", "measure how fast it is, on this machine")
    kinds = ("render", "step", "memory", "service", "apply", "gpu")
    bench.add_argument("what", nargs="?", choices=kinds, help="one of them; all but gpu by default")
    doctor = command("doctor", "tell what is installed and what is missing, and whether it works")
    doctor.add_argument("--quick", action="store_true", help="leave out the self-test")
    what = doctor.add_mutually_exclusive_group()
    what.add_argument("--repair", action="store_true", help="first look at every installed file, mend what is damaged")
    what.add_argument("--remove", action="store_true", help="delete the environment; checkpoints and faces stay")
    what.add_argument(
        "--gather", type=Path, metavar="FOLDER", help="fetch all packages into a folder, for offline sites"
    )
    _add_checkpoints(command("checkpoints", "list, fetch, import, verify and remove networks and heads"))
    evaluate = _add_evaluate(command)
    _add_job_commands(command, (demo, evaluate))
    return parser


def _add_evaluate(command: Any) -> argparse.ArgumentParser:
    evaluate = command("evaluate", "measure how well words land, and how well edits stay where they belong")
    evaluate.add_argument("items", nargs="?", default="starter", help="starter, paper, diverse, or a .jsonl file")
    evaluate.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="the report; goes on if it is there"
    )
    evaluate.add_argument("--base", type=Path, metavar="FOLDER", help="look for checkpoints and heads here first")
    evaluate.add_argument("--seeds", type=int, default=1, help="repeat every item with so many seeds")
    which = evaluate.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="a few items of each kind")
    which.add_argument("--all", dest="everything", action="store_true", help="every item, lone edits and sequences too")
    presets = evaluate.add_mutually_exclusive_group()
    presets.add_argument("--compare", metavar="P,Q", help="presets side by side; a field changes as in P+stage.field=1")
    presets.add_argument("--ablate", action="store_true", help="leave out one part of the method after the other")
    presets.add_argument(
        "--first-contact", action="store_true", help="check newly fetched networks; a face of two prompts"
    )
    presets.add_argument("--samples", action="store_true", help="judge what the text-to-image networks draw, only that")
    presets.add_argument(
        "--networks", action="store_true", help="measure each network of the family by itself, only that"
    )
    evaluate.add_argument("--blind", action="store_true", help="with --compare P,Q: a sheet of pairs for people, too")
    return evaluate


def _add_checkpoints(checkpoints: argparse.ArgumentParser) -> None:
    actions = checkpoints.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, help: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=help, description=help, allow_abbrev=False)
        sub.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="one line of JSON on stdout")
        return sub

    listing = action("list", "all that are known: state, size, licence")
    listing.add_argument("--markdown", action="store_true", help="as the tables of docs/checkpoints.md")
    fetch = action("fetch", "download; goes on where it was interrupted")
    fetch.add_argument("names", nargs="+", metavar="NAME", help="of a checkpoint, or of a family for all its own")
    fetch.add_argument("--offline", action="store_true", help="only from the Hugging Face cache")
    take = action("import", "copy one from a folder; a head also from its file")
    take.add_argument("name", metavar="NAME")
    take.add_argument("path", type=Path, metavar="PATH")
    for sub in (fetch, take):
        sub.add_argument("--accept-licence", dest="accept", action="append", default=[], metavar="LICENCE")
    for sub in (listing, fetch, take):
        sub.add_argument("--commercial-safe", dest="for_sale", action="store_true", help="only what may be sold")
    action("verify", "sizes and hashes of those that are there").add_argument("names", nargs="*", metavar="NAME")
    action("remove", "delete what was fetched or imported").add_argument("names", nargs="+", metavar="NAME")


def _add_job_commands(command: Any, also_set: tuple[argparse.ArgumentParser, ...]) -> None:
    generate = command("generate", "make a face from words")
    generate.add_argument("prompt")
    generate.add_argument("--out", type=Path, required=True, help="the face folder to make")
    generate.add_argument("--seed", type=int, default=0)
    generate.add_argument("--stage", choices=("both", "geometry", "texture"), default="both")
    generate.add_argument("--texture-prompt", help="other words for the texture")
    generate.add_argument(
        "--negative", action="append", default=[], metavar="TEXT|VIEW=TEXT", help="what to keep away from"
    )
    generate.add_argument(
        "--candidates", type=int, default=0, metavar="N", help="make N cheap first results and a sheet, finish one"
    )
    generate.add_argument("--choose", default="best", metavar="best|K", help="which of the candidates")
    generate.add_argument("--from", dest="parent", type=Path, metavar="FACE", help="start from this face")

    generate.add_argument("--texture-size", type=int, choices=(512, 1024, 2048), help="texels a side of the albedo")

    edit = command("edit", "change a face by an instruction")
    edit.add_argument("face", type=Path)
    edit.add_argument("instruction")
    edit.add_argument("--out", type=Path, required=True, help="the face folder to make")
    edit.add_argument("--seed", type=int, default=0)
    edit.add_argument("--scope", choices=("auto", "texture", "geometry", "both"), default="auto")
    edit.add_argument("--region", action="append", default=[], metavar="NAME,...", help="lock it to these regions")
    edit.add_argument("--words", action="append", default=[], metavar="W,...", help="lock it to where these look")
    edit.add_argument("--tokens", metavar="N,...|0", help="the same by their place; 0 chooses by itself")
    edit.add_argument("--mask", type=Path, metavar="PNG", help="lock it to what is white; as large as the albedo")
    edit.add_argument("--force", action="store_true", help="also a face that other networks made")
    edit.add_argument("--strength", type=float, default=1.0)
    bring = command("import", "make a face of what another program left: FaceG2E's results, an OBJ, an albedo PNG")
    bring.add_argument("source", type=Path, metavar="PATH", help="a folder or file of FaceG2E, an .obj or a .png")
    bring.add_argument("--out", type=Path, required=True, help="the face folder to make")
    bring.add_argument("--from", dest="parent", type=Path, metavar="FACE", help="what the file lacks is this face's")

    for sub in (generate, edit, bring):
        sub.add_argument("--head", metavar="NAME|PATH", help="head model: anny, ict, hifi3d, flame, or where it lies")
        sub.add_argument("--base", type=Path, metavar="FOLDER", help="look for checkpoints and heads here first")
    for sub in (generate, edit):
        sub.add_argument(
            "--family", choices=("auto", *FAMILIES), default="auto", help="of networks; auto: full if it fits"
        )
        sub.add_argument("--device", choices=("cpu", "cuda"), help="for the networks; a card if they need one")
    for sub in (generate, edit, *also_set):
        sub.add_argument("--set", dest="settings", action="append", default=[], metavar="STAGE.FIELD=VALUE")
    for sub in (generate, edit):
        sub.add_argument("--preset", default="recommended", help="recommended, released or paper: see docs/presets.md")
        sub.add_argument("--settings", dest="repeat", type=Path, metavar="FACE.JSON", help="those of a face")
        sub.add_argument("--save-every", type=int, metavar="STEPS", help="keep states and pictures in OUT.steps")
        sub.add_argument("--resume", action="store_true", help="go on with the run of --out that was broken off")

    layers = command("layers", "fade, mute and re-order the edits of a face")
    layers.add_argument("face", type=Path)
    layers.add_argument("--out", type=Path, required=True, help="the face folder to make")
    layers.add_argument("--strength", dest="strengths", action="append", default=[], metavar="N=X")
    layers.add_argument("--mute", action="append", type=int, default=[], metavar="N")
    layers.add_argument("--unmute", action="append", type=int, default=[], metavar="N")
    layers.add_argument("--order", metavar="N,N,...", help="all layers in their new order")
    layers.add_argument("--copy-to", type=Path, metavar="FACE3", help="put them onto this face of the same head")
    _add_views(command)


def _add_views(command: Any) -> None:
    show = command("show", "tell what a face folder holds, or what a head model is")
    show.add_argument("face", type=Path, nargs="?")
    show.add_argument("--slider", metavar="NAME", help="of --head: what it moves, in mm by region")

    render = command("render", "render a face from several sides, or who a head model can be")
    render.add_argument("face", type=Path, nargs="?")
    render.add_argument("--views", default="0,45,-45", metavar="DEGREES,...", help="azimuths; 0 faces the face")
    what = render.add_mutually_exclusive_group()
    what.add_argument("--kinds", action="store_true", help="every kind of picture: normals, depth, masks, …")
    what.add_argument("--shoulders", action="store_true", help=SHOULDERS)
    render.add_argument("--out", type=Path, required=True)
    render.add_argument("--identities", type=int, default=8, help="of --head: so many random ones")
    render.add_argument("--expressions", type=int, default=8, help="of --head: so many of its named ones")
    render.add_argument("--seed", type=int, default=0, help="of --head: which ones")
    render.add_argument("--uv", action="store_true", help="of --head: its UV square and a checker instead")
    for sub in (show, render):
        sub.add_argument("--head", metavar="NAME|PATH", help="instead of a face: a head model")

    export = command("export", "write a face as .glb or .obj")
    export.add_argument("face", type=Path)
    export.add_argument("--out", type=Path, required=True, metavar="FILE.glb|FILE.obj")
    export.add_argument("--shoulders", action="store_true", help=SHOULDERS)


def _pair(word: str, form: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not (name and equals and value):
        raise UnknownOption(f"{word!r} should be {form}")
    return name, value


def _number(kind: type, word: str) -> Any:
    try:
        return kind(word)
    except ValueError:
        raise UsageError(f"{word!r} is not {'a whole number' if kind is int else 'a number'}") from None
