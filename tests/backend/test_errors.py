import pytest

from backend import errors


def test_every_error_has_a_code_of_its_own_and_a_title():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert {kind.code for kind in kinds} <= errors.TABLE.keys()
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind.title and "title" in vars(kind) for kind in kinds)


def test_a_cause_is_a_sentence_that_another_error_does_not_say():
    told = [kind.cause for kind in errors.TABLE.values() if "cause" in vars(kind)]
    assert len(told) == len(set(told))
    assert not [cause for cause in told if cause.endswith(".") or not cause]


def test_a_code_cannot_be_taken_twice():
    with pytest.raises(TypeError, match="301 is taken"):
        type("Second", (errors.BackendError,), {"code": 301})


def test_an_error_survives_the_pipe():
    error = errors.rebuild(301, "the prompt is empty", "type some words")
    assert type(error) is errors.EmptyPrompt
    assert (str(error), error.advice, error.exit_status) == ("the prompt is empty", "type some words", 2)


def test_an_error_of_a_newer_version_is_still_an_error():
    assert type(errors.rebuild(398, "news")) is errors.BackendError
