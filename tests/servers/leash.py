"""No server outlives the tests, however they end: a time-out ends them without any clearing up."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

WAIT = """
read -r _
kill -CONT "$1"
kill -"$2" "$1"
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" || break; sleep 1; done
shift 2
rm -rf "$@"
"""


class Leash:
    """A shell that reads from a pipe of ours; when that closes without `release`, it ends the server."""

    def __init__(self, pid: int, number: int = signal.SIGKILL, *folders: Path) -> None:
        """`number` is the signal that ends process `pid`; `folders` are removed then."""
        words = ["sh", "-c", WAIT, "leash", str(pid), str(int(number)), *map(str, folders)]
        reads, self._held = os.pipe()
        self._shell = subprocess.Popen(
            words, stdin=reads, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        os.close(reads)

    def release(self) -> None:
        """The server has ended."""
        self._shell.kill()
        self._shell.wait()
        os.close(self._held)
