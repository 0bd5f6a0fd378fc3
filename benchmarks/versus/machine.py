"""On what it was measured: day, machine, server. Names no host and no folder."""

from __future__ import annotations

import datetime
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Machine:
    """What absolute figures depend on."""

    date: str
    cpu: str
    cores: int
    system: str
    python: str
    server: str

    def __str__(self) -> str:
        return f"{self.date}; {self.cpu}, {self.cores} cores, {self.system}; {self.server}; Python {self.python}"


def this_machine(server_info: dict[str, Any]) -> Machine:
    """This machine, now; ``server_info`` is the server's INFO."""
    cpu = Path("/proc/cpuinfo")
    return Machine(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        cpu=cpu_model(cpu.read_text("utf-8")) if cpu.is_file() else platform.machine(),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        server=server_name(server_info),
    )


def cpu_model(cpuinfo: str) -> str:
    """The model that ``/proc/cpuinfo`` names."""
    for line in cpuinfo.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() == "model name":
            return " ".join(value.split())
    return platform.machine() or "unknown CPU"


def server_name(info: dict[str, Any]) -> str:
    """Name and version; a Valkey says a Redis version for old clients as well."""
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info.get('redis_version', '?')}"
