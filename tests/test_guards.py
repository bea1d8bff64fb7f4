"""The test bed's own promises: a blocked loop, a script across slots and a missing browser do not pass unseen."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from blockbuster import BlockingError
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.exceptions import ResponseError

from tests.browsers import require_browser

ROOT = Path(__file__).resolve().parent.parent


def run_as_ours(source: str) -> None:
    """Run code as if it stood in a module of the service."""
    exec(compile(source, str(ROOT / "bosai" / "imagined.py"), "exec"), {})


@pytest.mark.parametrize(
    "source",
    [
        "import time; time.sleep(0.001)",
        "with open('/etc/hostname') as file: file.read()",
        "import os; os.listdir('/')",
    ],
    ids=["sleep", "read", "listdir"],
)
async def test_our_code_may_not_block_the_event_loop(source):
    with pytest.raises(BlockingError):
        run_as_ours(source)
    await asyncio.to_thread(run_as_ours, source)  # in a thread it may


async def test_a_late_import_is_not_taken_for_blocking(tmp_path, monkeypatch):
    (tmp_path / "seldom_used.py").write_text("ANSWER = 220\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    run_as_ours("import seldom_used; assert seldom_used.ANSWER == 220")


async def test_the_private_redis_refuses_what_a_cluster_would_refuse(redis):
    await redis.set("{place:1}:a", 1)
    await redis.mset({"{place:1}:a": 1, "{place:1}:b": 2})
    with pytest.raises(ResponseError, match="hash to the same slot"):
        await redis.mset({"{place:1}:a": 1, "{place:2}:a": 2})


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_starts_with_an_empty_redis(redis, turn):
    assert await redis.dbsize() == 0
    await redis.set("left", "behind")


async def test_the_private_redis_is_the_oldest_server_here_so_that_newer_commands_fail(private_redis):
    assert private_redis.program.server.version >= (6, 2, 0)
    assert private_redis.url.startswith("unix://")


def test_a_missing_browser_skips_with_the_command_to_install_it(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install firefox-esr"):
        require_browser("firefox")


def test_a_missing_browser_is_a_failure_in_ci(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        require_browser("chromium")


def test_a_browser_that_is_here_is_named_by_its_program(tmp_path, monkeypatch):
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert require_browser("chromium") == program


@pytest.mark.parametrize(("ci", "outcome"), [("true", "1 failed, 1 skipped"), ("", "2 skipped")])
def test_in_ci_a_browser_test_that_skips_for_any_reason_has_failed(tmp_path, ci, outcome):
    source = "import pytest\n@pytest.mark.browser\ndef test_page(): pytest.skip('no screen')\n"
    source += "def test_other(): pytest.skip('no data')\n"
    (tmp_path / "test_skips.py").write_text(source)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.conftest",
        "-c",
        str(ROOT / "pyproject.toml"),
    ]
    answer = subprocess.run(
        [*command, "-p", "no:cacheprovider", str(tmp_path / "test_skips.py")],
        cwd=ROOT,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert outcome in answer.stdout


@given(st.just(0))
@settings(max_examples=1)
def test_no_property_is_judged_by_how_busy_the_machine_is(_zero: int) -> None:
    time.sleep(0.25)  # longer than Hypothesis allows by default
