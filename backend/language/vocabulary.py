"""Every word the networks are taught."""

from __future__ import annotations

import re
from functools import cache

from .captions import CLAY, HELD_BACK, HELD_BACK_WHOLE, PHOTO
from .instructions import PRONOUNS
from .looks import HAIR, PAINT, SKIN
from .shapes import DEGREES, SHAPES
from .things import SHAVED, THINGS

GRAMMAR = """
    a an the of with who whose has is are and on off into take shave more much bit person face head cheek bald
    make turn look give paint add remove deep
"""


@cache
def words() -> tuple[str, ...]:
    """Every word a caption or instruction can hold, sorted."""
    texts = [GRAMMAR, CLAY, PHOTO, SHAVED, *HELD_BACK, *HELD_BACK_WHOLE, *SKIN, *PAINT, *HAIR, *DEGREES]
    texts += [word for pair in PRONOUNS for word in pair]
    for axis in SHAPES:
        texts.append(axis.noun)
        for end in (axis.more, axis.less):
            texts += [*end.adjectives(), *end.comparatives(), end.compound]
    for thing in THINGS:
        texts += [thing.noun, *thing.named, *thing.plain, *thing.colours]
    return tuple(sorted({word for text in texts for word in re.findall("[a-z]+", re.sub("{.*?}", " ", text))}))
