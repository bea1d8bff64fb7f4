"""Child processes: kept running, heard, stopped together, and never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.supervise import LINE_MAX_BYTES, ProgramMissing, Restarting, ended_by, lines_of, run_children

ROOT = Path(__file__).resolve().parents[2]
QUICK = Restarting(first_s=0.02, max_s=0.1)
STEADY = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)"
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('pid', os.getpid(), flush=True)
time.sleep(600)
"""
WITH_GRANDCHILD = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
print('pid', child.pid, flush=True)
time.sleep(600)
"""


class Heard:
    """What the parts said, and a way to wait for it."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.changed = asyncio.Event()

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))
        self.changed.set()

    def pids(self, name: str) -> list[int]:
        return [int(line.split()[1]) for who, line in self.lines if who == name and line.startswith("pid ")]

    async def until(self, condition, within_s: float = 20.0):
        async with asyncio.timeout(within_s):
            while not (answer := condition()):
                await self.changed.wait()
                self.changed.clear()
        return answer


def python(source: str) -> list[str]:
    return [sys.executable, "-c", source]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(pid: int, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while alive(pid):
            await asyncio.sleep(0.01)


def start(commands, heard, **options) -> asyncio.Task[None]:
    return asyncio.create_task(
        run_children(commands, os.environ, on_output=heard, restarting=QUICK, **options)
    )


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_every_line_of_every_part_is_heard_with_its_name():
    heard = Heard()
    talk = "import sys, time; print('出力', flush=True); print('error', file=sys.stderr, flush=True); time.sleep(600)"
    task = start({"web": python(talk), "planner": python(STEADY)}, heard)
    await heard.until(lambda: ("web", "出力") in heard.lines and ("web", "error") in heard.lines)
    await heard.until(lambda: heard.pids("planner"))
    await stop(task)


async def test_a_part_that_is_killed_starts_again_and_it_is_said():
    heard = Heard()
    task = start({"delivery": python(STEADY), "web": python(STEADY)}, heard)
    await heard.until(lambda: heard.pids("delivery") and heard.pids("web"))
    os.kill(heard.pids("delivery")[0], signal.SIGKILL)
    await heard.until(lambda: len(heard.pids("delivery")) == 2)
    assert ("delivery", "ended unexpectedly (SIGKILL); starting again in 0.02 s") in heard.lines
    assert len(heard.pids("web")) == 1
    await stop(task)
    assert not any(alive(pid) for pid in heard.pids("delivery") + heard.pids("web"))


async def test_a_part_that_keeps_ending_is_started_ever_more_slowly():
    heard = Heard()
    task = start({"feeds": python("raise SystemExit(3)")}, heard)
    await heard.until(lambda: len(heard.lines) >= 4)
    await stop(task)
    said = [line for _, line in heard.lines[:4]]
    assert said == [
        f"ended unexpectedly (exit code 3); starting again in {wait} s"
        for wait in ("0.02", "0.04", "0.08", "0.1")
    ]


@given(st.integers(1, 10_000))
def test_the_wait_before_a_restart_never_falls_and_never_passes_its_bound(ends):
    rule = Restarting()
    assert 0 < rule.delay_s(ends) <= rule.delay_s(ends + 1) <= rule.max_s


async def test_a_signal_stops_every_part_before_the_call_returns():
    heard = Heard()
    task = start({"web": python(STEADY), "planner": python(STEADY)}, heard)
    await heard.until(lambda: heard.pids("web") and heard.pids("planner"))
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await task
    assert not any(alive(pid) for pid in heard.pids("web") + heard.pids("planner"))


async def test_a_part_that_will_not_stop_is_killed_after_its_time():
    heard = Heard()
    task = start({"web": python(STUBBORN)}, heard, stop_within_s=0.2)
    await heard.until(lambda: heard.pids("web"))
    await stop(task)
    assert ("web", "did not stop within 0.2 s and is killed") in heard.lines
    assert not alive(heard.pids("web")[0])


async def test_a_second_signal_does_not_wait_for_the_stubborn():
    heard = Heard()
    task = start({"web": python(STUBBORN)}, heard, stop_within_s=600)
    await heard.until(lambda: heard.pids("web"))
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(0)  # let the loop see the first before the second
    os.kill(os.getpid(), signal.SIGINT)
    async with asyncio.timeout(10):
        await task
    assert not alive(heard.pids("web")[0])


async def test_what_a_part_started_goes_with_it():
    heard = Heard()
    task = start({"web": python(WITH_GRANDCHILD)}, heard)
    await heard.until(lambda: heard.pids("web"))
    await stop(task)
    await gone(heard.pids("web")[0])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_no_child_outlives_a_killed_parent():
    source = f"""
        import asyncio, os, sys
        from bosai.supervise import run_children
        child = [sys.executable, "-c", {STUBBORN!r}]
        asyncio.run(run_children({{"web": child}}, os.environ, on_output=lambda name, line: print(line, flush=True)))
    """
    parent = await asyncio.create_subprocess_exec(
        *python(textwrap.dedent(source)), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    async with asyncio.timeout(20):
        child_pid = int((await parent.stdout.readline()).split()[1])
    assert alive(child_pid)
    parent.kill()
    await parent.wait()
    await gone(child_pid)


async def test_a_program_that_does_not_exist_is_named_before_anything_starts():
    heard = Heard()
    with pytest.raises(
        ProgramMissing, match="The part 'feeds' cannot start: there is no program /no/such/program"
    ):
        await run_children(
            {"web": python(STEADY), "feeds": ["/no/such/program"]},
            os.environ,
            on_output=heard,
            restarting=QUICK,
        )
    assert not heard.lines


async def test_a_line_without_end_is_cut_and_bad_bytes_do_no_harm():
    stream = asyncio.StreamReader()
    stream.feed_data(b"a\xff\r\n" + b"x" * (LINE_MAX_BYTES + 5) + b"\nlast")
    stream.feed_eof()
    lines = [line async for line in lines_of(stream)]
    assert lines[0] == "a\N{REPLACEMENT CHARACTER}"
    assert max(map(len, lines)) <= LINE_MAX_BYTES
    assert "".join(lines[1:]) == "x" * (LINE_MAX_BYTES + 5) + "last"
    endless = asyncio.StreamReader()
    endless.feed_data(b"y" * (3 * LINE_MAX_BYTES))
    endless.feed_eof()
    assert [len(line) async for line in lines_of(endless)] == [LINE_MAX_BYTES] * 3


def test_an_exit_status_is_told_in_words():
    assert [ended_by(code) for code in (0, 3, -9, -200)] == [
        "exit code 0",
        "exit code 3",
        "SIGKILL",
        "signal 200",
    ]
