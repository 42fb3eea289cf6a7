"""Settings are read, checked and complained about together."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from engagement.errors import SettingsError
from engagement.settings import load

GOOD: dict[str, Any] = {
    "database_url": "sqlite:///x.db",
    "redis_url": "redis://localhost:6379/0",
    "secret_key": "x" * 32,
}


def faults(**given: Any) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load(**given)
    return error.value.faults


def test_a_start_without_secrets_says_which_are_missing() -> None:
    missing = faults()
    assert [fault.split()[0] for fault in missing] == [
        "ENGAGEMENT_DATABASE_URL", "ENGAGEMENT_REDIS_URL", "ENGAGEMENT_SECRET_KEY",
    ]  # fmt: skip


def test_all_faults_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "PORT": "http", "WEB_WORKERS": "0", "DURABILITY": "never", "TRUSTED_PROXIES": "10.0.0.0/99",
        "RATELIMIT_COMMENTS": "often", "RATELIMIT_ENABLED": "perhaps", "LOG_LEVEL": "LOUD", "PROT": "1",
    }  # fmt: skip
    for name, value in wrong.items():
        monkeypatch.setenv(f"ENGAGEMENT_{name}", value)
    found = faults(**GOOD)
    assert len(found) == len(wrong)
    for name in wrong:
        assert any(f"ENGAGEMENT_{name}" in fault for fault in found), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "nonsense"), ("DATABASE_URL", "mysql://h/db"),
        ("DATABASE_URL", "postgresql://u:hidden@h/db?nothing=1"), ("REDIS_URL", "http://localhost"),
        ("DATABASE_URL", "postgresql://u:hidden@[h/db"), ("SECRET_KEY", "short"),
        ("SECRET_KEY_FILE", "/does/not/exist"),
    ],
)  # fmt: skip
def test_a_wrong_secret_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    field = name.removesuffix("_FILE").lower()
    monkeypatch.setenv(f"ENGAGEMENT_{name}", value)
    (fault,) = faults(**{key: good for key, good in GOOD.items() if key != field})
    assert fault.startswith(f"ENGAGEMENT_{field.upper()}")
    if name == "SECRET_KEY":
        assert value not in fault
    assert "hidden" not in fault


def test_what_is_set_is_read_and_typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("y" * 40 + "\n")
    monkeypatch.setenv("ENGAGEMENT_SECRET_KEY_FILE", str(secret))
    monkeypatch.setenv("ENGAGEMENT_TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8")
    monkeypatch.setenv("ENGAGEMENT_RATELIMIT_ENABLED", "false")
    monkeypatch.setenv("ENGAGEMENT_PORT", "9000")
    monkeypatch.setenv("ENGAGEMENT_TRACKING_PARAMETERS", "from,via")
    monkeypatch.setenv("ENGAGEMENT_DATABASE_URL", GOOD["database_url"])
    monkeypatch.setenv("ENGAGEMENT_REDIS_URL", "unix:///tmp/redis.sock")
    settings = load(port=9001)
    assert settings.secret_key == "y" * 40
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.ratelimit_enabled is False
    assert settings.tracking_parameters == ("from", "via")
    assert settings.port == 9001  # what is given goes before the environment


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////srv/engagement.db",
        "postgresql://u:p@h/db",
        "postgresql://u:p@h1:5432,h2:5433/db?target_session_attrs=read-write&sslmode=verify-full",
        "postgresql:///db?host=/run/postgresql",
    ],
)
def test_a_database_is_named_as_its_own_programs_name_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGAGEMENT_DATABASE_URL", url)
    given = {key: value for key, value in GOOD.items() if key != "database_url"}
    assert load(**given).database_url == url
