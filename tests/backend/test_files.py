import errno

import pytest

from backend import errors, files
from backend.files import write_whole


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "made" / "file"
    for content in (b"one", b"two"):
        assert write_whole(path, content).read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(("code", "error"), [(errno.ENOSPC, errors.DiskFull), (errno.EACCES, errors.FolderUnwritable)])
def test_a_failing_write_leaves_what_was_there(tmp_path, monkeypatch, code, error):
    path = write_whole(tmp_path / "file", b"before")

    def fails(path, content):
        path.write_bytes(content[:1])
        raise OSError(code, "broken")

    monkeypatch.setattr(files, "write_through", fails)
    with pytest.raises(error, match=str(path)):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(errors.FolderUnwritable, match="cannot be written"):
        write_whole(tmp_path / "file" / "inside", b"")
