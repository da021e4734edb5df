import base64
import os

import pytest
from hypothesis import given, settings, strategies as st

from backend import transfer
from backend.errors import FileDamaged, PathRefused
from backend.protocol import Chunk, File


@pytest.mark.parametrize(
    "path",
    [
        *("../a", "/etc/a", "a/../../b", "a/../b/c", "C:\\a", "..\\a", "a\\..\\b", "", ".", "a", "b/x", "a/x\0"),
        *("a/link/x", "a/CON", "a/nul.txt", "a/x.", "a/x ", "a/x:y", "a/com1/x", "a//../../x", "a/\ud800"),
    ],
)
def test_paths_that_leave_the_folder_of_the_job_are_refused(path, tmp_path):
    scratch = tmp_path / "scratch"
    (scratch / "a").mkdir(parents=True)
    (scratch / "a" / "link").symlink_to(tmp_path)
    with pytest.raises(PathRefused):
        transfer.inside(scratch, path, "a")
    assert transfer.inside(scratch, "a/b c/é.png", "a") == scratch / "a" / "b c" / "é.png"


@given(st.text(), st.text())
@settings(max_examples=40)
def test_whatever_is_said_a_path_is_inside_or_refused(text, id):
    from pathlib import Path

    scratch = Path("/nowhere/scratch")
    try:
        path = transfer.inside(scratch, text, id)
    except PathRefused:
        return
    assert path.is_relative_to(scratch / id)


def test_a_folder_that_is_a_link_is_no_folder_of_a_job(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PathRefused):
        transfer.inside(tmp_path, "a/x", "a")


@given(st.lists(st.binary(max_size=40), max_size=4))
@settings(max_examples=20)
def test_files_arrive_as_they_were_sent(contents):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as place:
        here, there = Path(place, "here"), Path(place, "there")
        for number, content in enumerate(contents):
            path = here / "a" / f"{number % 2}" / f"{number}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        receiver, files = transfer.Receiver(there), transfer.survey(here, "a")
        for file in files:
            for piece in transfer.pieces(here, "a", file):
                receiver.take(piece)
        receiver.check("a")
        transfer.verify(there, "a", files)
        assert transfer.survey(there, "a") == files
        assert len(files) == len(contents)


def test_a_large_file_takes_several_lines(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "large").write_bytes(os.urandom(transfer.PIECE * 2 + 1))
    (file,) = transfer.survey(tmp_path, "a")
    found = list(transfer.pieces(tmp_path, "a", file))
    assert [piece.last for piece in found] == [False, False, True]


def test_a_file_that_has_changed_is_damaged(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"abc")
    (file,) = transfer.survey(tmp_path, "a")
    (tmp_path / "a" / "x").write_bytes(b"abd")
    with pytest.raises(FileDamaged, match="a/x"):
        transfer.verify(tmp_path, "a", [file])
    with pytest.raises(FileDamaged):
        transfer.verify(tmp_path, "a", [File("a/y", 1, "0")])


def test_links_and_halves_of_files_do_not_travel(tmp_path):
    (tmp_path / "a" / ".face.12345678.partial").mkdir(parents=True)
    (tmp_path / "a" / ".face.12345678.partial" / "mesh.npz").write_bytes(b"half")
    (tmp_path / "a" / "passwd").symlink_to("/etc/passwd")
    assert transfer.survey(tmp_path, "a") == ()


@pytest.mark.parametrize(
    ("chunk", "error"),
    [
        (Chunk("a", "../x", ""), PathRefused),
        (Chunk("a", "a/x", "no base64!"), FileDamaged),
        (Chunk("..", "../x", ""), PathRefused),
    ],
)
def test_what_cannot_be_received_is_told_once_and_leaves_nothing(chunk, error, tmp_path):
    receiver = transfer.Receiver(tmp_path)
    receiver.take(Chunk(chunk.id, "a/x", base64.b64encode(b"half").decode()))
    receiver.take(chunk)
    with pytest.raises(error):
        receiver.check(chunk.id)
    receiver.check(chunk.id)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and chunk.path == "a/x"]
