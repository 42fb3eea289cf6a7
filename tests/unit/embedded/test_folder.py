"""The data folder: private, owned by one `serve` at a time, with a secret of its own."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from engagement.embedded.folder import FolderLock, empty_metrics, ensure_secret_key, make_folder, paths_for
from engagement.errors import StartError


def test_a_new_folder_is_its_owners_alone(tmp_path: Path) -> None:
    paths = paths_for(tmp_path / "new" / "data")
    make_folder(paths)
    assert stat.S_IMODE(paths.data.stat().st_mode) == 0o700


def test_a_folder_below_a_file_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"^the data folder /.*/file/data can't be used: Not a directory$"):
        make_folder(paths_for(tmp_path / "file" / "data"))


def test_a_lock_that_can_not_be_opened_is_refused_with_the_folders_name(tmp_path: Path) -> None:
    paths = paths_for(tmp_path)
    paths.lock.mkdir()
    with pytest.raises(StartError, match=r"^the data folder .* can't be used: Is a directory$"):
        FolderLock(paths)


def test_the_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    paths = paths_for(tmp_path)
    ensure_secret_key(paths)
    secret = paths.secret_key.read_text()
    assert len(bytes.fromhex(secret)) == 32
    assert stat.S_IMODE(paths.secret_key.stat().st_mode) == 0o600
    ensure_secret_key(paths)
    assert paths.secret_key.read_text() == secret


def test_a_secret_that_a_crash_left_half_written_is_made_anew(tmp_path: Path) -> None:
    paths = paths_for(tmp_path)
    paths.secret_key.with_suffix(".new").write_text("half")
    ensure_secret_key(paths)
    assert len(paths.secret_key.read_text()) == 64


def test_a_second_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    paths = paths_for(tmp_path)
    lock = FolderLock(paths)
    with pytest.raises(StartError) as caught:
        FolderLock(paths)
    assert str(caught.value) == f"engagement already runs on {tmp_path} (pid {os.getpid()})"
    lock.release()
    FolderLock(paths).release()


def test_the_next_owner_learns_whether_the_last_one_was_killed(tmp_path: Path) -> None:
    paths = paths_for(tmp_path)
    first = FolderLock(paths)
    assert not first.owner_was_killed
    os.close(first._fd)  # as the kernel does it for a killed process
    second = FolderLock(paths)
    assert second.owner_was_killed
    second.release()
    third = FolderLock(paths)
    assert not third.owner_was_killed
    third.release()


def test_the_counts_of_processes_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    paths = paths_for(tmp_path)
    make_folder(paths)
    (paths.metrics / "counter_123.db").touch()
    empty_metrics(paths)
    assert list(paths.metrics.iterdir()) == []
