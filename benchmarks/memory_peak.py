"""How much memory a piece of work needed at its peak, beyond what the process had before."""

import resource
from collections.abc import Callable
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_growth_mb(work: Callable[[], object]) -> float:
    """Megabytes the process grew at its peak while `work` ran.

    Linux keeps a high-water mark that a process inherits from its parent, so it is set back first; where that is not
    allowed, the growth of ru_maxrss stands in, which misses what stays below an older peak.
    """
    try:
        _CLEAR.write_text("5")
        before = _kilobytes("VmRSS")
        work()
        return max(0, _kilobytes("VmHWM") - before) / 1024
    except OSError:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        work()
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def _kilobytes(field: str) -> int:
    line = next(one for one in _STATUS.read_text().splitlines() if one.startswith(f"{field}:"))
    return int(line.split()[1])
