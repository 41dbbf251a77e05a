"""Memory that this process holds."""

import os
import sys
from pathlib import Path


def resident() -> float:
    """Megabytes of this process in memory: now, or at most where the system tells no better."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
