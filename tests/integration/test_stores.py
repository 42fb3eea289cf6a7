"""The stores of a data folder whose `serve` is stopped, for commands such as `verify`."""

from __future__ import annotations

from pathlib import Path

import pytest

from engagement.embedded.folder import FolderLock, ensure_secret_key, make_folder, paths_for
from engagement.embedded.service import database_url, settings_for_data, stores
from engagement.errors import StartError


def test_another_command_brings_up_the_stores_of_one_that_is_stopped(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with pytest.raises(StartError, match="there is no data of engagement in"):
        settings_for_data(data)
    make_folder(paths_for(data))
    ensure_secret_key(paths_for(data))
    with stores(data) as settings:
        assert Path(settings.redis_url.removeprefix("unix://")).is_socket()
    assert not list(data.rglob("*.sock"))
    FolderLock(paths_for(data)).release()


def test_stores_that_can_not_come_up_are_one_line(tmp_path: Path) -> None:
    paths = paths_for(tmp_path / "data")
    make_folder(paths)
    ensure_secret_key(paths)
    (paths.redis / "appendonlydir").touch()  # where Redis wants a folder
    with pytest.raises(StartError, match=r"^redis does not come up, see /.*/redis\.log$"), stores(paths.data):
        pass
    FolderLock(paths).release()


def test_a_folder_that_no_database_url_can_name_is_refused() -> None:
    assert database_url(Path("/srv/a b/%/engagement.db")) == "sqlite:////srv/a b/%/engagement.db"
    with pytest.raises(StartError, match=r"^the data folder /srv/what\? has a '\?' in its name"):
        database_url(Path("/srv/what?/engagement.db"))
