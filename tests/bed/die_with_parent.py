"""Run a program that dies when the process that started it does.

``python die_with_parent.py PARENT_PID SIGNAL PROGRAM ARGUMENT…``

Linux only for that part (PR_SET_PDEATHSIG, which survives exec); elsewhere the program simply runs.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for the signal, make sure the parent is still there, become the program."""
    parent, signal_number, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if parent and os.getppid() != parent:
            sys.exit("die_with_parent: the parent is already gone")
    os.execvp(program[0], program)


if __name__ == "__main__":
    main()
