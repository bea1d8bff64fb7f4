"""The node process that drives one browser: JSON lines over stdio, from any thread and any event loop.

Python ──owner thread──▶ node browser.mjs ──▶ firefox / chromium
each is ended by the kernel when the one before it dies, however it dies
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
DIE_WITH_PARENT = HERE / "die_with_parent.py"
CLOSE_S = 6.0


@dataclass(eq=False)
class BrowserFailed(Exception):
    """The browser, or the process that drives it, could not do what was asked."""

    what: str

    def __str__(self) -> str:
        return self.what


class Driver:
    """One node child. `on_event` is called, in the owner thread, with each event line."""

    def __init__(self, launch: dict[str, Any], on_event: Callable[[dict[str, Any]], None]) -> None:
        self._launch = launch
        self._on_event = on_event
        self._answers: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()
        self._number = 0
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        self._browser_pid: int | None = None
        self._ended = False
        self._folder: TemporaryDirectory[str] | None = None
        self._owner = threading.Thread(target=self._own, name="bed-browser", daemon=True)

    def start(self) -> Future[Any]:
        """Start node and the browser. The future gives {version, pid}, or BrowserFailed. Touches files."""
        self._folder = TemporaryDirectory(prefix="bed-browser-")
        started = self.call("launch", **self._launch, executable=str(self._launcher()))
        # The kernel's parent-death signal follows the thread that started the child: it must live as long.
        self._owner.start()
        return started

    def call(self, command: str, **arguments: Any) -> Future[Any]:
        """Send one command; the future gives its value or BrowserFailed."""
        answer: Future[Any] = Future()
        with self._lock:
            if self._ended:
                answer.set_exception(BrowserFailed(f"{command}: the browser has ended"))
                return answer
            self._number += 1
            self._answers[self._number] = answer
            line = json.dumps({"id": self._number, "command": command, **arguments})
            self._lines.put(line.encode() + b"\n")
        return answer

    def stop(self) -> None:
        """Close the browser, then the driver; what does not close in time is killed. Blocks."""
        closed = self.call("close")
        try:
            closed.result(CLOSE_S)
        except (TimeoutError, BrowserFailed):
            self._kill()
        self._lines.put(None)
        if self._process is not None:
            try:
                self._process.wait(CLOSE_S)
            except subprocess.TimeoutExpired:
                self._kill()
        if self._owner.ident is not None:
            self._owner.join(CLOSE_S)
        if self._folder is not None:
            self._folder.cleanup()

    def _launcher(self) -> Path:
        """A script that becomes the browser, and dies when node does."""
        assert self._folder is not None
        script = Path(self._folder.name) / "launch"
        script.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -I "{DIE_WITH_PARENT}" "$PPID" {int(signal.SIGKILL)}'
            f' "{self._launch["program"]}" "$@"\n'
        )
        script.chmod(0o700)
        return script

    def _own(self) -> None:
        assert self._folder is not None
        log = Path(self._folder.name) / "stderr"
        node = shutil.which("node")
        if node is None:
            self._fail_all("node is not on PATH; install Node.js 20 or newer")
            return
        command = [sys.executable, "-I", str(DIE_WITH_PARENT), str(os.getpid()), str(int(signal.SIGTERM))]
        with (
            log.open("wb") as errors,
            subprocess.Popen(
                [*command, node, str(HERE / "browser.mjs")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            ) as process,
        ):
            self._process = process
            writer = threading.Thread(target=self._write, args=(process,), name="bed-browser-in", daemon=True)
            writer.start()
            assert process.stdout is not None
            for line in process.stdout:
                self._take(json.loads(line))
            self._fail_all(f"the browser driver ended: {log.read_text(errors='replace')[-2000:].strip()}")
            self._lines.put(None)
            writer.join()

    def _write(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        try:
            while (line := self._lines.get()) is not None:
                process.stdin.write(line)
                process.stdin.flush()
            process.stdin.close()
        except BrokenPipeError:
            return  # node has gone; the reader says so to everyone who waits

    def _take(self, message: dict[str, Any]) -> None:
        if "event" in message:
            self._on_event(message)
            return
        with self._lock:
            answer = self._answers.pop(message["id"])
        if not answer.set_running_or_notify_cancel():
            return
        if "error" in message:
            answer.set_exception(BrowserFailed(message["error"]))
            return
        value = message["value"]
        if isinstance(value, dict) and "pid" in value:
            self._browser_pid = value["pid"]
        answer.set_result(value)

    def _fail_all(self, what: str) -> None:
        with self._lock:
            self._ended = True
            waiting, self._answers = list(self._answers.values()), {}
        for answer in waiting:
            if answer.set_running_or_notify_cancel():
                answer.set_exception(BrowserFailed(what))

    def _kill(self) -> None:
        """End what we started: node's process group, and the browser's."""
        for pid in (self._process.pid if self._process else None, self._browser_pid):
            if pid is not None:
                try:
                    os.killpg(pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    continue
