"""The add-on's side of the pipe with the real backend behind it."""

import sys

import pytest

from addon.link.bundle import protocol
from addon.link.client import Start, serve
from addon.link.desk import Desk, Job

from .test_desk import until_ended


@pytest.fixture
def desk(tmp_path):
    made = Desk(Start(serve(sys.executable), variables={"FACEWRIGHT_ENV": sys.prefix}), tmp_path, "0.1.0", "test")
    yield made
    made.close()


def test_the_backend_of_this_checkout_passes_its_selftest_and_lives_on(desk):
    job = Job("selftest", "selftest")
    desk.submit(job, {})
    end = until_ended(desk, job, seconds=120)
    assert isinstance(end, protocol.Result), (end, desk.log)
    assert desk.ready.torch
    assert desk.alive()


def test_a_prompt_without_words_is_refused_by_the_backend_too(desk):
    job = Job("generate", "")
    desk.submit(job, {"prompt": "  ", "out": f"{job.id}/face"})
    assert until_ended(desk, job, seconds=120).code == 301
    assert not (desk.folder(job) / "face").exists()
