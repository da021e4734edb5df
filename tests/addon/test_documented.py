"""What the docs say of Blender: its command line, operators and jobs are those that there are."""

import ast
import json
import shlex
import sys

import bpy
import pytest

from tests.documented import PAGES, commands, fenced, mentioned

from .conftest import PACKAGE

BLENDER = "blender -c facewright "


@pytest.fixture
def console(extension):
    return sys.modules[f"{PACKAGE}.ui.console"]


def test_the_command_line_is_as_it_is_written(console):
    told = [command for page in PAGES for command in commands(page) if command.startswith(BLENDER)]
    told += [command for page in PAGES for command in mentioned(page, BLENDER)]
    assert told
    for command in told:
        console.parser().parse_args(shlex.split(command.removeprefix(BLENDER)))


def test_scripts_call_operators_with_properties_that_they_have(extension):
    scripts = [script for page in PAGES for script in fenced(page, "python")]
    assert scripts
    for call in (node for script in scripts for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Call)):
        *_, group, name = ast.unparse(call.func).split(".")
        known = getattr(getattr(bpy.ops, group), name).get_rna_type().properties.keys()
        assert {word.arg for word in call.keywords} <= {*known}, name


def test_jobs_are_jobs(console):
    lines = [line for page in PAGES for block in fenced(page, "json") for line in block.splitlines()]
    assert lines
    for line in lines:
        assert console._job(line, 1) == json.loads(line)
