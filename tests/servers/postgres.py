"""A PostgreSQL of the tests' own: killed, hung, restored from a backup, followed by a replica."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from tests.servers.binaries import Binaries, find_binaries
from tests.servers.databases import Databases
from tests.servers.leash import Leash
from tests.servers.ports import HeldPort
from tests.waiting import until

OWNER = "engagement"
PASSWORD = "of-tests"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "wal_level": "replica",
    "dynamic_shared_memory_type": "mmap",  # in the data folder: nothing is left elsewhere by a kill
}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For tests that don't crash it."""


class PostgresServer(Databases):
    """A real server in a folder of its own, on a loopback port that it keeps.

    The role of `url` owns its databases and may create more, and has no other right.
    """

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = False,
        binaries: Binaries | None = None,
        backup: Path | None = None,
    ) -> None:
        """`folder` holds its log. `durable`: what it answered survives a crash of the machine.

        `backup` is what `base_backup` answered, to begin with.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "postgres.log"
        self.durable = durable
        self._ours = binaries is None
        self.binaries = binaries or find_binaries()
        self._place = self.binaries.new_folder()
        self._data = self._place / "data"
        self._port = HeldPort()
        self._process: subprocess.Popen[bytes] | None = None
        self._hung: list[psutil.Process] = []
        self._backups = itertools.count()
        try:
            if backup is not None:
                self._copy(backup)
                self.start()
            else:
                self._initialise()
        except BaseException:
            self.stop()
            raise

    @property
    def port(self) -> int:
        return self._port.number

    @property
    def url(self) -> str:
        return self._address(OWNER, OWNER)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _address(self, user: str, database: str) -> str:
        return f"postgresql://{user}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def administrator(self) -> psycopg.Connection:
        """A connection of the superuser's, each statement for itself."""
        return psycopg.connect(self._address("postgres", "postgres"), autocommit=True, connect_timeout=5)

    # --- life ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Up when it has recovered and takes writes (a replica: reads)."""
        settings = SETTINGS | ({} if self.durable else FAST) | {"port": str(self.port)}
        argv = self.binaries.argv("postgres", "-D", str(self._data))
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.binaries.identity()
            )
        copied = [self.binaries.copied] if self._ours and self.binaries.copied else []
        self._leash = Leash(self.pid, signal.SIGQUIT, self._place, *copied)
        until(self._answers, within=60)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"postgres ended:\n{self.log.read_text()[-4000:]}"
        with contextlib.suppress(psycopg.OperationalError), self.administrator():
            return True
        return False

    def kill(self) -> None:
        """SIGKILL, of the postmaster and all that it started."""
        processes = self._stopped()
        self._hung = []
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._wait()
        until(lambda: not any(_lives(process) for process in processes))

    def hang(self) -> None:
        """SIGSTOP: the kernel still takes connections, and nobody answers."""
        self._hung = self._stopped()

    def go_on(self) -> None:
        for process in reversed(self._hung):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
        self._hung = []

    def halt(self) -> None:
        """A fast shutdown, as an operator's; `start` brings it back."""
        self.go_on()
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._wait()

    def stop(self) -> None:
        """End it, and remove all that it had."""
        self.halt()
        self._free_memory()
        self._port.release()
        shutil.rmtree(self._place, ignore_errors=True)
        if self._ours:
            self.binaries.remove()

    def _stopped(self) -> list[psutil.Process]:
        """All its processes, the postmaster first, so that it starts none meanwhile."""
        postmaster = psutil.Process(self.pid)
        postmaster.suspend()
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes[1:]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        return processes

    def _wait(self) -> None:
        assert self._process is not None
        self._process.wait(60)
        self._leash.release()
        self._process = None

    def _free_memory(self) -> None:
        """A killed postmaster leaves a few bytes of shared memory, until it is started again."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            if len(lines) > 6 and shutil.which("ipcrm"):
                subprocess.run(["ipcrm", "-m", lines[6].split()[1]], check=False)

    # --- backups and replicas --------------------------------------------------------------------------

    def base_backup(self) -> Path:
        """All it holds now, as a folder for `restore` or for a new server; removed with this one."""
        return self._backup("--checkpoint=fast")

    def restore(self, backup: Path) -> None:
        """Be as it was at `backup`, whatever came after, and up."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self._data)
        self._copy(backup)
        self.start()

    def replica(self, folder: Path) -> PostgresServer:
        """A server that follows this one, and takes reads only."""
        backup = self._backup("--checkpoint=fast", "--write-recovery-conf")
        return PostgresServer(folder, durable=self.durable, binaries=self.binaries, backup=backup)

    def follows(self, primary: PostgresServer) -> bool:
        """Has this replica replayed all that `primary` has written?"""
        with primary.administrator() as connection:
            (written,) = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone() or ()
        with self.administrator() as connection:
            row = connection.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [written]).fetchone()
        return bool(row and row[0])

    def stop_following(self) -> None:
        """Lag from now on: receive nothing more."""
        with self.administrator() as connection:
            connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
            connection.execute("SELECT pg_reload_conf()")
            until(lambda: connection.execute("SELECT 1 FROM pg_stat_wal_receiver").fetchone() is None)

    def promote(self) -> None:
        """Be a primary: up for writes when it returns."""
        with self.administrator() as connection:
            row = connection.execute("SELECT pg_promote(true, 60)").fetchone()
        assert row == (True,)

    def take_over(self, primary: PostgresServer) -> None:
        """Be promoted, and answer where `primary`, which is dead, did: as with an address that moves."""
        self.promote()
        self.halt()
        self._port, primary._port = primary._port, self._port
        self.start()

    def _backup(self, *options: str) -> Path:
        to = self._place / f"backup-{next(self._backups)}"
        self.binaries.run(
            "pg_basebackup",
            "--dbname",
            self._address("postgres", ""),
            "--pgdata",
            str(to),
            "--no-sync",
            *options,
        )
        return to

    def _copy(self, backup: Path) -> None:
        """With the owner, who must stay the same."""
        shutil.copytree(backup, self._data)
        owner = backup.stat()
        for path in [self._data, *self._data.rglob("*")]:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)

    def _initialise(self) -> None:
        secret = self._place / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        options = [
            "--no-sync", "--username=postgres", f"--pwfile={secret}", "--auth=password",
            "--encoding=UTF8", "--locale=C", f"--pgdata={self._data}",
        ]  # fmt: skip
        try:
            # An order of a language, as most databases have, where the build knows any: not that of bytes.
            self.binaries.run("initdb", *options, "--locale-provider=icu", "--icu-locale=en-US")
        except subprocess.CalledProcessError:
            self.binaries.run("initdb", *options)
        self.start()
        with self.administrator() as connection:
            owner = sql.Identifier(OWNER)
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(owner, sql.Literal(PASSWORD))
            )
            connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(owner))


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
