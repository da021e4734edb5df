import json
import string

import pytest
from hypothesis import given, strategies as st

from backend import protocol
from backend.errors import EmptyPrompt, LineTooLong, ProtocolError, UnknownType, VersionMismatch

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
REQUESTS = st.one_of(
    st.builds(protocol.ClientHello, st.text(), st.text()),
    st.builds(protocol.Submit, st.text(), st.text(), st.dictionaries(st.text(), VALUES)),
    st.builds(protocol.Cancel, st.text()),
    st.builds(protocol.Unload, st.lists(st.text()).map(tuple)),
    st.just(protocol.Shutdown()),
)
EVENTS = st.one_of(
    st.builds(protocol.BackendHello, st.text(), st.integers(), st.text()),
    st.builds(protocol.Ready, st.text(), st.lists(st.dictionaries(st.text(), VALUES)).map(tuple)),
    st.builds(protocol.Heartbeat, st.floats(0, 1e9), st.text(), st.none() | st.floats(0, 1e9)),
    st.builds(protocol.Progress, st.text(), st.text(), st.integers(), st.integers()),
    st.builds(protocol.Result, st.text(), st.dictionaries(st.text(), VALUES), st.floats(0, 1e9)),
    st.builds(protocol.Error, st.text(), st.integers(), st.text(), st.text(), st.text(), st.none() | st.text()),
)


@given(REQUESTS)
def test_requests_come_through_as_they_were(request_):
    line = protocol.encode(request_)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert protocol.decode_request(line) == request_


@given(EVENTS)
def test_events_come_through_as_they_were(event):
    assert protocol.decode_event(protocol.encode(event)) == event


@given(st.binary() | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_other_line_is_a_protocol_error(line):
    for decode in (protocol.decode_request, protocol.decode_event):
        with pytest.raises(ProtocolError):
            decode(line)


@given(
    st.sampled_from(["hello", "submit", "unload"]),
    st.dictionaries(st.sampled_from(["id", "keep", "op", "scratch"]), VALUES),
)
def test_fields_of_wrong_types_are_a_protocol_error_or_a_message(kind, values):
    try:
        message = protocol.decode_request(json.dumps({"type": kind, **values}).encode())
    except ProtocolError:
        return
    assert message.type == kind


@pytest.mark.parametrize(
    "line", [b"[" * 100_000, b'{"type": "cancel", "id": NaN}', b'{"type": "cancel", "id": "\xff"}']
)
def test_deep_nan_and_bad_utf8_lines_are_protocol_errors(line):
    with pytest.raises(ProtocolError):
        protocol.decode_request(line)


def test_unknown_fields_are_ignored():
    line = b'{"type": "cancel", "id": "a", "since": "1.7"}'
    assert protocol.decode_request(line) == protocol.Cancel("a")


def test_unknown_types_have_an_error_of_their_own():
    with pytest.raises(UnknownType, match="'dance'"):
        protocol.decode_request(b'{"type": "dance"}')


def test_a_missing_field_is_named():
    with pytest.raises(ProtocolError, match="submit needs op"):
        protocol.decode_request(b'{"type": "submit", "id": "a"}')


def test_long_lines_are_refused_both_ways():
    with pytest.raises(LineTooLong):
        protocol.encode(protocol.Submit("a", "generate", {"prompt": "a" * protocol.LINE_LIMIT}))
    with pytest.raises(LineTooLong):
        protocol.decode_request(b" " * (protocol.LINE_LIMIT + 1))


def test_what_json_does_not_know_is_not_sent():
    for value in (float("nan"), object(), b"bytes"):
        with pytest.raises(ProtocolError, match="cannot be sent"):
            protocol.encode(protocol.Submit("a", "generate", {"value": value}))


def test_only_the_major_version_must_agree():
    major, minor = protocol.VERSION
    protocol.check_version((major, minor + 5))
    with pytest.raises(VersionMismatch, match=f"{major + 1}.0"):
        protocol.check_version((major + 1, 0))


def test_an_error_tells_all_the_table_knows():
    told = protocol.Error.of("a", EmptyPrompt("the prompt is empty", advice="type some words"))
    assert (told.code, told.title, told.advice) == (EmptyPrompt.code, EmptyPrompt.title, "type some words")


def test_keys_of_numbers_become_numbers():
    assert protocol.checked({"1": 2}, dict[int, float], "strengths") == {1: 2.0}
    with pytest.raises(ProtocolError, match="'first'"):
        protocol.checked({"first": 2}, dict[int, float], "strengths")


def test_every_message_has_a_type_of_plain_letters():
    for kind in (*protocol.Request.__args__, *protocol.Event.__args__):
        assert set(kind.type) <= set(string.ascii_lowercase)
