"""Instructions as descriptions of what comes of them."""

import pytest

from backend.afterwards import afterwards
from backend.evaluation.items import FOLDER, read
from backend.language.heard import knows_nothing_of


@pytest.mark.parametrize(
    ("instruction", "description"),
    [
        ("make his lips red", "a person with red lips"),
        ("give him a grey beard", "a person with a grey beard"),
        ("make his nose longer", "a person with a long nose"),
        ("make his nose much longer and his chin wider", "a person with a very long nose and a wide chin"),
        ("make him older", "an old person"),
        ("turn him into a woman", "a woman"),
        ("make him green", "a person with green skin"),
        ("make him Asian", "an asian person"),
        ("make him made of wood", "a person made of wood"),
        ("turn her into Harley Quinn", "Harley Quinn"),
        ("remove the beard", None),
        ("take the eye mask off", None),
        ("make him bald", None),
        ("sing", None),
    ],
)
def test_the_face_afterwards_is_in_the_words_of_a_prompt(instruction: str, description: str | None):
    assert afterwards(instruction) == description


def test_of_all_instructions_that_add_something_it_is_known():
    edits = read(FOLDER / "starter.jsonl").of("edit")
    gone = {item.prompt for item in edits if any(one.colour is None and not one.is_shape for one in item.expect)}
    found = {item.prompt: afterwards(item.prompt) for item in edits}
    assert {instruction for instruction, told in found.items() if told is None} == gone
    assert not [told for told in found.values() if told and knows_nothing_of(told)]
