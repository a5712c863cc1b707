"""The machine that a bench ran on, as far as its figures depend on it."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path


def description() -> dict[str, object]:
    """Date, processor, cores, system, Python, and what else the machine was doing."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()
