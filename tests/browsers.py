"""The real browsers of the tests: where they are, or why the test cannot run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Literal

import pytest

PROGRAMS = {"firefox": ("firefox-esr", "firefox"), "chromium": ("chromium", "chromium-browser")}
PACKAGES = {"firefox": "firefox-esr", "chromium": "chromium"}


def require_browser(name: Literal["firefox", "chromium"]) -> Path:
    """The browser's program. Without it the test is skipped with the reason; with CI=true it fails."""
    for program in PROGRAMS[name]:
        if found := shutil.which(program):
            return Path(found)
    why = f"{name} is not installed here: apt-get install {PACKAGES[name]}"
    if in_ci():
        pytest.fail(f"{why} (with CI=true a missing browser is a failure)")
    pytest.skip(why)


def in_ci() -> bool:
    """True where nothing may be skipped for want of a browser."""
    return os.environ.get("CI", "").lower() == "true"
