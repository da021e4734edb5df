import threading
import time

from addon.link.bundle import protocol
from addon.link.logs import LINES, Log
from addon.link.queues import Inbox


def step(number, id="a"):
    return protocol.Progress(id, "shape", number, 100)


def test_of_steps_only_the_newest_is_kept_and_ends_are_all_kept():
    inbox = Inbox()
    for number in range(10_000):
        inbox.put(step(number))
        inbox.put(protocol.Heartbeat(float(number), "running"))
    inbox.put(protocol.Result("a"))
    inbox.put(step(1, "b"))
    inbox.put(protocol.Error("b", 399, "", ""))
    kept = list(inbox.take())
    assert [type(one) for one in kept] == [
        *(protocol.Progress, protocol.Heartbeat, protocol.Result, protocol.Progress, protocol.Error)
    ]
    assert kept[0].step == 9_999
    assert not list(inbox.take())


def test_who_puts_too_much_waits_and_nothing_is_lost():
    inbox, total = Inbox(10), 1000
    ends = [protocol.Cancelled(str(number)) for number in range(total)]
    thread = threading.Thread(target=lambda: [inbox.put(one) for one in ends], daemon=True)
    thread.start()
    taken = []
    while len(taken) < total:
        assert len(inbox._events) <= 10
        taken += inbox.take()
        time.sleep(0.0005)
    assert taken == ends


def test_closing_lets_go_of_who_waits():
    inbox = Inbox(1)
    inbox.put(protocol.Bye())
    thread = threading.Thread(target=inbox.put, args=(protocol.Bye(),), daemon=True)
    thread.start()
    inbox.close()
    thread.join(5)
    assert not thread.is_alive()


def test_the_log_keeps_the_last_lines_and_a_file_of_bounded_size(tmp_path):
    log = Log(tmp_path / "logs" / "backend.log", size=2000, old=2)
    for number in range(1000):
        log.append(f"line {number}", "0123456789abcdef")
    assert len(log) == LINES
    assert list(log)[-1].endswith("[01234567] line 999")
    files = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert files == ["backend.log", "backend.log.1", "backend.log.2"]
    assert all(path.stat().st_size <= 2000 for path in (tmp_path / "logs").iterdir())
    assert "line 999" in (tmp_path / "logs" / "backend.log").read_text(encoding="utf-8")


def test_a_log_that_cannot_be_written_is_kept_in_memory(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    log = Log(tmp_path / "file" / "backend.log")
    log.append("words")
    assert next(iter(log)).endswith("words")
