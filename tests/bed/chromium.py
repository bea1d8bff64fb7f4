"""Debian's Chromium, headless. Pushes reach it through DevTools (`Page.deliver_push`)."""

from __future__ import annotations

import os
from pathlib import Path

from tests.bed.browser import Browser
from tests.browsers import require_browser

QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


def chromium(
    profile_dir: Path | None = None, arguments: list[str] | None = None, *, languages: str = "ja,en"
) -> Browser:
    """A Chromium with a profile of its own. Skips the test where there is none."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses its sandbox to root
    return Browser(
        kind="chrome",
        program=require_browser("chromium"),
        arguments=[*QUIET, f"--accept-lang={languages}", *sandbox, *(arguments or [])],
        preferences={},
        profile=profile_dir,
    )
