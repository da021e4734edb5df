"""The page `docs/language.md`, from the tables; a test holds it to them. To make it anew, in the repository's root:

python3 -c "from backend.language.page import page; print(page(), end='')" > docs/language.md
"""

from __future__ import annotations

from .captions import HELD_BACK, HELD_BACK_WHOLE, shape_prompt
from .instructions import MOVES
from .lists import read
from .shapes import DEGREES, SHAPES, End
from .things import THINGS, Thing
from .vocabulary import words


def page() -> str:
    """Markdown."""
    both = [(axis.phrase(1.0), axis.phrase(-1.0)) for axis in SHAPES]
    return "\n".join(
        [
            "# The face language",
            "",
            "What `python3 -m backend train starter` teaches the networks. Other words are spelt letter by letter and",
            "mean nothing to them. How well each lands with the networks in the tree, `ckpts/starter/README.md` says.",
            "This page is made from `backend/language`; see `page.py` there.",
            "",
            f"{len(words())} words; {2 * len(both)} ends of {len(both)} axes of shape; {len(THINGS)} things painted.",
            "",
            "## Shape",
            "",
            "Each axis is bound to sliders of the embedded head and moves it by at least 2 mm either way.",
            "",
            "| part | more | less | sliders (value at less … more) |",
            "|---|---|---|---|",
            *(_axis(axis.noun or "person", axis.more, axis.less, axis.sliders) for axis in SHAPES),
            "",
            "## Degrees",
            "",
            "| word | how far along an axis, of 1 | how far a comparative goes |",
            "|---|---|---|",
            *(
                f"| {name or 'none'} | {low:g} to {high:g} | {MOVES[name][0]:g} to {MOVES[name][1]:g} |"
                for name, (low, high) in DEGREES.items()
            ),
            "",
            "“A bit” is “slightly” after a verb or before a comparative, “much” is “very” before one.",
            "",
            "## Colours and things",
            "",
            "| thing | phrases | colours | can be taken away |",
            "|---|---|---|---|",
            *(_thing(thing) for thing in THINGS),
            "",
            "Hair is short and painted on, or shaved, or none; longer hair is a separate object. The stages leave the",
            "eyeballs as they are.",
            "",
            "## Prompts and instructions",
            "",
            *(f"- {prompt}" for prompt in (shape_prompt("nose_length", 1.0), shape_prompt("age", 1.0, "very"))),
            "- a slightly fat old man with a hooked nose, red lips and a grey beard",
            "- a long-nosed woman whose eyes are a bit small",
            "- make his nose longer; a bit wider jaw; give her much fuller lips; turn him old",
            "- make his lips red; add freckles; give him a black eye mask; remove the beard; shave his head",
            "",
            "Never drawn in training, though every word is known, so that reading can be measured:",
            "",
            *(f"- {template.replace('is_', 'is')}" for template in (*HELD_BACK, *HELD_BACK_WHOLE)),
            "",
            *_read_otherwise(),
            *_expressions(),
        ]
    )


def _read_otherwise() -> list[str]:
    lists, german, chinese = read("english"), read("german"), read("chinese")
    told: dict[str, list[str]] = {}
    for phrase, taught in lists["phrases"].items():
        told.setdefault(taught or "(left out)", []).append(phrase)
    counts = [sum(len(part) for part in language.values()) for language in (german, chinese)]
    return [
        "## What is read otherwise",
        "",
        "Before the text encoder, words that were never taught become ones that were; what was read instead is told.",
        "The lists are plain data in `backend/language/lists`, text to text only: what a face looks like, the networks",
        "alone decide.",
        "",
        "| taught | also |",
        "|---|---|",
        *(f"| {taught} | {', '.join(phrases)} |" for taught, phrases in told.items()),
        "",
        f"Before a man, a woman or a person also: {', '.join(lists['traits'])},",
        f"and compounds such as “dark-skinned” with {', '.join(lists['compounds'])}.",
        f"Of a part also: {', '.join(lists['verbs'])} (“widen his nose”).",
        "",
        f"German ({counts[0]} words, endings besides) and Chinese ({counts[1]}) are put into English word by word, for",
        "every family: “ein alter Mann mit langer Nase”, “一个长鼻子的老人”, “mach seine Lippen rot”,",
        "“把他的嘴唇变成红色”.",
        "",
    ]


def _expressions() -> list[str]:
    rows = [
        f"| {', '.join(group['said'])} | {', '.join(f'`{name}` {value:g}' for name, value in group['keys'].items())} |"
        for group in read("expressions")
    ]
    return [
        "## Expressions",
        "",
        "A face is made at rest. In a prompt these words set its expression keys and never reach the networks:",
        "",
        "| words | keys |",
        "|---|---|",
        *rows,
        "",
    ]


def _axis(noun: str, more: End, less: End, sliders: tuple[tuple[str, float, float], ...]) -> str:
    bound = ", ".join(f"`{name}` {low:g} … {high:g}" for name, low, high in sliders)
    return f"| {noun} | {_end(more)} | {_end(less)} | {bound} |"


def _end(end: End) -> str:
    said = [*end.adjectives(), *([end.compound] if end.compound else [])]
    return ", ".join(said)


def _thing(thing: Thing) -> str:
    phrases = [*(phrase.format("…") for phrase in thing.named), *thing.plain]
    return f"| {thing.noun} | {', '.join(phrases)} | {', '.join(thing.colours)} | {'yes' if thing.goes else 'no'} |"
