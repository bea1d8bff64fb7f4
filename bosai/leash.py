"""Start a program so that it cannot outlive the one that started it.

    on_leash(command) ─▶ [python, leash.py, parent, signal, *command] ─▶ prctl(PR_SET_PDEATHSIG) ─▶ exec(command)

Linux only: the kernel sends the signal when the parent is gone, however it went. Elsewhere the command is returned as
it is. This file runs by itself, without the package, so that it costs a few milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def on_leash(command: Sequence[str], sign: signal.Signals = signal.SIGKILL) -> list[str]:
    """`command`, wrapped: it gets `sign` when this process ends.

    Start it from a thread that lives as long as the process (the kernel watches the thread).
    """
    if sys.platform != "linux":
        return list(command)
    # -I -S: nothing of the caller's environment, no site-packages.
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(sign)), *command]


def main() -> None:
    """Ask for the signal, check that the parent did not die in between, become the program."""
    parent, sign, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, sign, 0, 0, 0) != 0:
        sys.exit(f"leash: prctl failed: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("leash: the parent is gone already")
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
