"""The wheel: whole, and enough to run from."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PYTHON_MADE = {".py", ".pyc"}


def run(*argv: str | Path) -> str:
    """Standard output of a program that must succeed."""
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    (wheel,) = folder.glob("engagement-*.whl")
    return wheel


def other_files() -> set[str]:
    """Every file below `engagement/` that isn't Python, by git where there is a repository."""
    if (ROOT / ".git").exists():
        names = run(
            "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "engagement"
        ).split("\0")
    else:
        names = [str(path.relative_to(ROOT)) for path in (ROOT / "engagement").rglob("*") if path.is_file()]
    return {name for name in names if name and Path(name).suffix not in PYTHON_MADE}


def test_every_file_that_is_not_python_is_in_the_wheel(wheel: Path) -> None:
    wanted = other_files()
    assert {Path(name).suffix for name in wanted} >= {".lua", ".html", ".css", ".js"}
    with ZipFile(wheel) as archive:
        assert wanted - set(archive.namelist()) == set()


def test_the_wheel_has_the_service_and_its_licence_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"engagement"}
    assert [name for name in names if name.endswith("/licenses/LICENSE")]
    assert [name for name in names if name.startswith("engagement/db/migrations/versions/")]


def test_an_installed_wheel_can_show_its_version(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path, with_pip=False, symlinks=True)
    python = tmp_path / "bin" / "python"
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--no-deps",
        "--no-index",
        "--quiet",
        wheel,
    )
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    # Its dependencies are those of this environment, which has been made from the same lock file.
    Path(site, "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    where = run(python, "-I", "-c", "import engagement; print(engagement.__file__)")
    assert where.startswith(site)
    assert "0.6.1" in run(tmp_path / "bin" / "engagement", "--version")
