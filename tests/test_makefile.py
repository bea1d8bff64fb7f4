"""The commands a newcomer types: what is missing is said in one sentence, and what is there is not installed twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAKE = shutil.which("make")
BASH = shutil.which("bash")

pytestmark = pytest.mark.skipif(MAKE is None or BASH is None, reason="make and bash are needed")


def machine(folder: Path, **programs: str) -> dict[str, str]:
    """An environment whose PATH holds only the given programs (name → shell script) and what the shell needs."""
    bin_dir = folder / "bin"
    bin_dir.mkdir()
    for name in ("bash", "sh", "cat", "echo"):
        if found := shutil.which(name):
            (bin_dir / name).symlink_to(found)
    for name, script in programs.items():
        path = bin_dir / name
        path.write_text(f"#!{BASH}\n{script}\n")
        path.chmod(0o755)
    return {"PATH": str(bin_dir), "HOME": str(folder)}


def make(target: str, env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    assert MAKE is not None
    return subprocess.run(
        [MAKE, "--no-print-directory", "-C", str(ROOT), target, f"SHELL={BASH}", *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


PYTHON = f'exec {sys.executable} "$@"'
NODE = 'case "$1" in -v) echo v22.1.0;; *) exit 0;; esac'
OLD_NODE = 'case "$1" in -v) echo v18.1.0;; *) exit 1;; esac'
OLD_PYTHON = 'case "$1" in -V) echo Python 3.9.2;; *) exit 1;; esac'
NO_VENV_PYTHON = 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac'


@pytest.mark.parametrize(
    ("programs", "says"),
    [
        ({"node": NODE, "npm": ""}, "Python 3.11 or newer is missing ('python3' was not found): install it"),
        (
            {"python3": OLD_PYTHON, "node": NODE, "npm": ""},
            "is needed and 'python3' is Python 3.9.2: install",
        ),
        ({"python3": NO_VENV_PYTHON, "node": NODE, "npm": ""}, "install its venv module"),
        ({"python3": PYTHON, "npm": ""}, "Node.js 20 or newer is missing ('node' was not found): install it"),
        ({"python3": PYTHON, "node": OLD_NODE, "npm": ""}, "is needed and 'node' is v18.1.0: install"),
        ({"python3": PYTHON, "node": NODE}, "npm is missing ('npm' was not found): install it"),
    ],
    ids=["no-python", "old-python", "no-venv", "no-node", "old-node", "no-npm"],
)
@pytest.mark.parametrize("target", ["setup", "run", "test"])
def test_a_missing_program_is_said_in_one_sentence_and_stops_make(tmp_path, target, programs, says):
    answer = make(target, machine(tmp_path, **programs))
    sentences = [line for line in answer.stderr.splitlines() if not line.startswith("make")]
    assert answer.returncode != 0
    assert len(sentences) == 1, answer.stderr
    assert says in sentences[0]


def test_another_python_can_be_chosen(tmp_path):
    env = machine(tmp_path, node=NODE, npm="")
    assert make("prerequisites", env, f"PYTHON={sys.executable}").returncode == 0
    assert "'/no/python' was not found" in make("prerequisites", env, "PYTHON=/no/python").stderr


def test_the_locks_name_hashes_and_neither_machines_nor_addresses():
    for name in ("requirements-build.lock", "requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text("utf-8")
        assert "://" not in text
        assert "--index" not in text
        pins = [line for line in text.splitlines() if line and line[0].isalpha()]
        assert pins
        assert all("==" in line and line.endswith("\\") for line in pins)
    package_lock = (ROOT / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in package_lock
    assert '"integrity"' in package_lock


def test_the_test_lock_repeats_every_pin_of_the_lock_the_service_runs_on():
    def pins(name: str) -> set[str]:
        text = (ROOT / name).read_text("utf-8")
        return {line.split(";")[0].rstrip(" \\") for line in text.splitlines() if line and line[0].isalpha()}

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_ci_runs_what_a_person_runs():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text("utf-8")
