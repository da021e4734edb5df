"""The face language: the words the starter networks are taught, what each is bound to, and how captions are made.
Standard library only: the add-on imports `hear` and `unknown_in`.

Shape words are bound to sliders of the head, colour words to a region and a colour. The stages never read this file:
words reach a face through the networks alone. It is used to make training pictures, to measure, and to help the user.

shapes    axes and their sliders        looks, things  colours, and what a texture shows in words
persons   random ones                   captions, instructions, vocabulary

And from what people type to these words: heard, by way of translate, expressions and paraphrase, with lists/; help says
what is not known.
"""

from .captions import (
    CLAY as CLAY,
    PHOTO as PHOTO,
    axis_label as axis_label,
    caption as caption,
    caption_pair as caption_pair,
    described as described,
    listed as listed,
    shape_prompt as shape_prompt,
    shape_prompts as shape_prompts,
    unseen_prompt as unseen_prompt,
)
from .heard import Heard as Heard, hear as hear, unknown_in as unknown_in
from .help import advice as advice, unknown_words as unknown_words
from .instructions import (
    Change as Change,
    asked as asked,
    draw_colour_change as draw_colour_change,
    draw_shape_change as draw_shape_change,
    labels as labels,
)
from .looks import (
    HAIR as HAIR,
    IRIS as IRIS,
    NATURAL_SKIN as NATURAL_SKIN,
    PAINT as PAINT,
    SKIN as SKIN,
    Colour as Colour,
    Look as Look,
)
from .persons import Person as Person, draw_person as draw_person
from .shapes import AXES as AXES, DEGREES as DEGREES, SHAPES as SHAPES, Shape as Shape, with_article as with_article
from .things import THING as THING, THINGS as THINGS, Thing as Thing, regions_on as regions_on
from .vocabulary import words as words
