"""A program that supervises the children its argument describes: JSON, a list of `[name, code, grace]`.

A child is Python code that is ready once there is a file by its name in the working directory. Says
"ready" on standard output, or the reason why not with exit code 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import structlog

from engagement.embedded.supervisor import Child, Supervisor
from engagement.errors import StartError


def main() -> None:
    """Supervise until a signal."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    try:
        with Supervisor() as supervisor:
            for name, code, grace in json.loads(sys.argv[1]):
                argv = [sys.executable, "-S", "-c", code]
                drains = name == "worker"
                supervisor.start(
                    Child(name=name, argv=argv, grace=grace, ready=Path(name).exists, drains=drains)
                )
            if supervisor.wait_ready(20.0):
                print("ready", flush=True)
                supervisor.run()
    except StartError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
