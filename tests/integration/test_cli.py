"""The command line on stores that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import text

from engagement import reader_jobs
from engagement.cli import main
from engagement.db.engine import Database
from engagement.settings import Settings
from engagement.sites.policy import signing_key
from tests.kinds import AnyRedis
from tests.waiting import until


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    for name in ("database_url", "redis_url", "secret_key"):
        monkeypatch.setenv(f"ENGAGEMENT_{name.upper()}", getattr(settings, name))
    monkeypatch.setattr(reader_jobs, "PATIENCE", 0.2)

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, list(words))

    return run


Run = Callable[..., Result]


def test_a_site_is_added_once(run: Run, client: FlaskClient) -> None:
    add = ("site", "add", "courier", "--origin", "https://courier.example/", "--articles", "open")
    assert run(*add).output == "The site courier is there.\n"
    again = run(*add)
    assert (again.exit_code, again.output) == (
        1,
        "engagement: there is a site courier already; change it with `site set`\n",
    )
    headers = {"Origin": "https://courier.example"}
    assert client.post("/v1/courier/readers", json={}, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("key", "origin", "said"),
    [("No Site", "https://a.example", "site: may have"), ("site", "a.example", "origin: 'a.example' is not")],
)
def test_a_wrong_site_is_one_clear_line(run: Run, key: str, origin: str, said: str) -> None:
    result = run("site", "add", key, "--origin", origin)
    assert result.exit_code == 1
    assert result.output.startswith(f"engagement: {said}")
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("origin", "kept"),
    [
        ("HTTPS://News.Example", "https://news.example"),
        ("https://news.example:443/", "https://news.example"),
        ("http://localhost:8080", "http://localhost:8080"),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(run: Run, origin: str, kept: str) -> None:
    run("site", "add", "courier", "--origin", origin)
    assert run("site", "list").output.splitlines()[0] == f"courier  known  courier  {kept}"


@pytest.mark.parametrize(
    "origin", ["http://::::[", "https://a.example/path", "ftp://a.example", "https://u@a.example"]
)
def test_what_is_no_origin_is_refused(run: Run, origin: str) -> None:
    assert run("site", "add", "courier", "--origin", origin).exit_code == 1


def test_a_site_is_changed(run: Run, client: FlaskClient) -> None:
    run("site", "add", "courier", "--origin", "https://wrong.example")
    changed = run("site", "set", "courier", "--origin", "https://right.example", "--articles", "open")
    assert changed.output == "The site courier is changed.\n"
    assert run("site", "list").output.splitlines()[0] == "courier  open  courier  https://right.example"
    headers = {"Origin": "https://right.example"}
    assert client.post("/v1/courier/readers", json={}, headers=headers).status_code == 201
    assert run("site", "set", "nowhere", "--name", "x").output == "engagement: There is no such site.\n"


def test_a_database_without_the_schema_is_one_clear_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGEMENT_DATABASE_URL", f"sqlite:///{tmp_path}/empty.db")
    said = "engagement: the database has not this release's schema: run `engagement migrate` first\n"
    for words in (("verify",), ("worker",), ("site", "list"), ("article", "put", "demo", "a")):
        result = run(*words)
        assert (result.exit_code, result.output) == (1, said), words


@pytest.mark.parametrize(
    ("option", "value"),
    [("--url", "javascript:alert(1)"), ("--url", "no url"), ("--title", "x" * 501), ("--title", "\u200b")],
)
def test_what_is_no_url_or_title_is_refused(run: Run, option: str, value: str) -> None:
    result = run("article", "put", "known", "a", option, value)
    assert result.exit_code == 1
    assert result.output.startswith(f"engagement: {option[2:]}: ")


def test_the_signing_key_is_printed_alone(run: Run, settings: Settings) -> None:
    assert run("site", "signing-key", "nowhere").exit_code == 1
    assert run("site", "signing-key", "signed").output == signing_key(settings.secret_key, "signed") + "\n"


def test_an_article_is_put_closed_and_opened(run: Run, client: FlaskClient) -> None:
    url = "https://known.example/a/?utm_source=x"
    put = ("article", "put", "known", url, "--title", "A title", "--comments", "closed")
    assert run(*put).output == "The article https://known.example/a is there.\n"
    from engagement.sites.canonical import encode_segment

    footer = f"/v1/known/articles/{encode_segment(url)}/footer"
    article: Any = client.get(footer).json["article"]  # type: ignore[index]
    assert (article["title"], article["comments_open"], article["reactions_open"]) == ("A title", False, True)
    run("article", "put", "known", url, "--comments", "open", "--reactions", "closed")
    article = client.get(footer).json["article"]  # type: ignore[index]
    assert (article["title"], article["comments_open"], article["reactions_open"]) == ("A title", True, False)


def test_an_article_of_no_site_is_one_clear_line(run: Run) -> None:
    result = run("article", "put", "nowhere", "a")
    assert (result.exit_code, result.output) == (1, "engagement: There is no such site.\n")
    assert run("article", "put", "known", "").exit_code == 1


def test_migrate_may_run_again(run: Run) -> None:
    assert run("migrate").output == "The database has this release's schema.\n"


@pytest.fixture
def durable(redis_server: AnyRedis) -> Iterator[redis.Redis]:
    """The Redis of this test as it is to be set up: the tests' own does not wait for its disk."""
    with redis_server.client() as client:
        client.config_set("appendfsync", "always")
        yield client
        client.config_set("maxmemory-policy", "volatile-lru")
        client.config_set("appendfsync", "no")


@pytest.mark.usefixtures("durable")
def test_the_doctor_finds_a_good_set_up_good(run: Run) -> None:
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert all(line.startswith("ok ") for line in result.output.splitlines())


def test_the_doctor_names_what_is_wrong(
    run: Run,
    durable: redis.Redis,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    durable.config_set("maxmemory-policy", "allkeys-lru")
    durable.config_set("appendfsync", "everysec")
    result = run("doctor")
    assert result.exit_code == 1
    assert "BAD redis: maxmemory-policy is allkeys-lru: it may evict the ledger" in result.output
    assert "appendfsync everysec: answers are not kept as durability always promises" in result.output
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert "BAD database: the schema is old: migrate" in run("doctor").output
    monkeypatch.setenv("ENGAGEMENT_REDIS_URL", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("ENGAGEMENT_DATABASE_URL", f"sqlite:///{tmp_path}/no/db")
    result = run("doctor")
    assert result.exit_code == 1
    assert [line.split(":")[0] for line in result.output.splitlines()] == ["BAD database", "BAD redis"]


def test_missing_settings_are_each_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ["ENGAGEMENT_DATABASE_URL", "ENGAGEMENT_REDIS_URL", "ENGAGEMENT_SECRET_KEY"]
    result = CliRunner().invoke(main, ["worker"])
    assert result.exit_code == 1
    assert [line.split()[1] for line in result.output.splitlines()] == missing
    result = CliRunner().invoke(main, ["verify"])
    assert [line.split()[1] for line in result.output.splitlines()] == [*missing, "or"]


def test_an_article_gets_another_name_and_loses_it(run: Run, client: FlaskClient) -> None:
    run("article", "put", "demo", "story")
    link = "https://News.example/n/7/?utm_source=x"
    refused = run("article", "alias", "demo", "nowhere", link)
    assert (refused.exit_code, refused.output) == (
        1,
        "engagement: There is no such article: `engagement article put` makes it.\n",
    )
    said = run("article", "alias", "demo", "story", link).output
    assert said == "https://news.example/n/7 stands for story.\n"
    put = run("article", "put", "demo", link, "--title", "A title")
    assert put.output == "The article story is there.\n"
    article: Any = client.get("/v1/demo/articles/story/footer").json["article"]  # type: ignore[index]
    assert article["title"] == "A title"
    run("article", "put", "demo", "another")
    run("article", "alias", "demo", "another", "an-other")
    (other, known) = run("article", "aliases", "demo").output.splitlines()
    assert other.startswith("an-other  stands for another  since 20")
    assert known.startswith("https://news.example/n/7  stands for story  since 20")
    for name in ("story", link):
        assert run("article", "aliases", "demo", name).output.splitlines() == [known]
    assert run("article", "aliases", "demo", "nowhere").output == "There are no other names.\n"
    assert run("article", "unalias", "demo", link).output == "https://news.example/n/7 stands for itself.\n"
    again = run("article", "unalias", "demo", link)
    assert (again.exit_code, again.output) == (1, "engagement: It is no other name of an article.\n")


def test_articles_are_merged_and_taken_apart_where_there_is_no_worker(
    run: Run, client: FlaskClient, reader: dict[str, str]
) -> None:
    for article in ("old", "new"):
        client.post(f"/v1/demo/articles/{article}/comments", json={"body": article}, headers=reader)
    client.put("/v1/demo/articles/old/reaction", json={"mood": "sad"}, headers=reader)
    refused = run("article", "alias", "demo", "new", "old")
    assert refused.output == (
        "engagement: other: is an article with comments or reactions of its own: merge them instead\n"
    )
    merged = run("article", "merge", "demo", "old", "new")
    assert merged.output.splitlines()[-1] == "old is merged into new."
    assert "carrying: its comments go over" in merged.output
    assert run("article", "merges").output.startswith("demo  old  new  merged  since 20")
    assert run("article", "merge", "demo", "old", "new").output == "old is merged into new.\n"
    assert run("verify").exit_code == 0
    taken = run("article", "unmerge", "demo", "old")
    assert taken.output.splitlines()[-1] == "old stands for itself."
    assert run("article", "merges", "--site", "demo").output == "No article is merged.\n"
    assert run("verify").exit_code == 0
    refused = run("article", "unmerge", "demo", "old")
    assert refused.output == "engagement: This article was not merged into another one.\n"


def test_a_token_is_made_listed_and_revoked(run: Run, client: FlaskClient) -> None:
    text = run(
        "token", "add", "demo", "--role", "admin", "--name", "The desk", "--expires", "7"
    ).stdout.strip()
    headers = {"Authorization": f"Bearer {text}"}
    assert client.get("/v1/demo/admin/tokens", headers=headers).status_code == 200
    listed = run("token", "list", "demo").output
    assert "demo  admin  all  since 20" in listed
    assert listed.endswith("The desk\n")
    assert text not in listed
    token = listed.split()[0]
    assert run("token", "revoke", token).stdout == f"The token {token} is revoked.\n"
    assert "  revoked 20" in run("token", "list").output
    until(lambda: client.get("/v1/demo/admin/tokens", headers=headers).status_code == 401)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere", "--role", "admin"), "There is no such site."),
        (("demo", "--role", "owner"), "role: owner is of all sites, and every other role of one"),
        (("*", "--role", "admin"), "role: owner is of all sites, and every other role of one"),
        (("demo", "--role", "king"), "role: must be one of owner, admin, moderator, service"),
        (("demo", "--role", "service", "--scope", "tokens:write"), "scopes: tokens:write is not among"),
    ],
)
def test_a_wrong_token_is_one_clear_line(run: Run, words: tuple[str, ...], said: str) -> None:
    result = run("token", "add", *words)
    assert result.exit_code == 1
    assert result.output.startswith(f"engagement: {said}")
    assert len(result.output.splitlines()) == 1


def test_an_owners_token_is_of_all_sites(run: Run, client: FlaskClient) -> None:
    text = run("token", "add", "*", "--role", "owner").stdout.strip()
    headers = {"Authorization": f"Bearer {text}"}
    for site in ("demo", "known"):
        assert client.get(f"/v1/{site}/admin/tokens", headers=headers).status_code == 200
    assert "  *  owner  all  " in run("token", "list", "*").output


def test_an_issuer_is_added_listed_and_disabled(run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a secret of the publisher, and long enough\n")
    add = (
        "issuer",
        "add",
        "demo",
        "https://id.news.example",
        "--audience",
        "engagement",
        "--algorithm",
        "HS256",
    )
    refused = run(*add)
    assert (refused.exit_code, refused.output.startswith("engagement: secret: must have")) == (1, True)
    added = run(*add, "--secret-file", str(secret), "--staff").stdout
    issuer = added.split()[2]
    assert added == f"The issuer {issuer} is there.\n"
    listed = run("issuer", "list", "demo").output
    assert listed.startswith(f"{issuer}  demo  HS256  staff  since 20")
    assert listed.endswith("  good  https://id.news.example\n")
    assert run("issuer", "disable", issuer).stdout == f"The issuer {issuer} is disabled.\n"
    assert "  disabled 20" in run("issuer", "list").output
