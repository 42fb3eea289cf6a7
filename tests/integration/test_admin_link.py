"""The command line's way into the console."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from engagement.cli import main
from engagement.settings import Settings

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("database_url", "redis_url", "secret_key"):
        monkeypatch.setenv(f"ENGAGEMENT_{name.upper()}", getattr(settings, name))
    return lambda *words: CliRunner().invoke(main, ["admin-link", *words])


def come_in(client: FlaskClient, printed: str) -> str:
    """Use a link; answers the page of the queue that it leads to."""
    token = printed.strip().partition("?token=")[2]
    assert client.post("/moderate/link", data={"token": token}).status_code == 303
    return client.get("/moderate/", follow_redirects=True).text


def test_a_link_for_the_owner_of_the_instance(run: Run, client: FlaskClient) -> None:
    result = run()
    assert result.output.startswith("http://127.0.0.1:8000/moderate/link?token=")
    assert len(result.output.splitlines()) == 1
    assert "Owner of every site" in come_in(client, result.output)


def test_a_link_for_a_moderator_with_a_name(run: Run, client: FlaskClient) -> None:
    words = ("--site", "known", "--role", "moderator", "--name", "Mo", "--address", "https://talk.example/")
    result = run(*words)
    assert result.output.startswith("https://talk.example/moderate/link?token=")
    html = come_in(client, result.output)
    assert "Moderator of known" in html
    assert "<summary>Mo</summary>" in html


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--site", "no-such-site"), "there is no site no-such-site"),
        (("--role", "moderator"), "An owner is of every site"),
        (("--role", "owner", "--site", "demo"), "An owner is of every site"),
        (("--role", "service", "--site", "demo"), "'service' is not one of"),
    ],
)
def test_a_link_that_makes_no_sense_is_one_clear_line(run: Run, words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert result.exit_code != 0
    assert said in result.output
