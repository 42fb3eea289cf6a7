"""What can be set is written down."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from engagement.cli import main
from engagement.settings import Settings

EXAMPLE = Path(__file__).parents[2] / "config" / "engagement.env.example"
README = Path(__file__).parents[2] / "README.md"


def documented() -> dict[str, str]:
    """Every setting that the example has, commented out or not, with its value."""
    lines = re.findall(r"^#?ENGAGEMENT_([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    return {name.removesuffix("_FILE"): value for name, value in lines}


@pytest.mark.parametrize("field", [field.name for field in fields(Settings)])
def test_every_setting_is_in_the_annotated_example(field: str) -> None:
    assert field.upper() in documented()


def test_the_example_has_no_setting_that_is_none() -> None:
    assert set(documented()) - {field.name.upper() for field in fields(Settings)} == {"DATA"}


def test_the_example_shows_the_defaults() -> None:
    shown = documented()
    for field in fields(Settings):
        if field.default is not MISSING and field.default != ():
            default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
            assert shown[field.name.upper()] == default, field.name


def commands(group: click.Group, prefix: str = "engagement") -> list[str]:
    """Every command, as it is typed."""
    found = []
    for name, command in group.commands.items():
        typed = f"{prefix} {name}"
        found += commands(command, typed) if isinstance(command, click.Group) else [typed]
    return found


@pytest.mark.parametrize("command", commands(main))
def test_every_command_is_in_the_readme_and_explains_itself(command: str) -> None:
    assert f"`{command}`" in README.read_text()
    result = CliRunner().invoke(main, [*command.split()[1:], "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 4


def test_the_alert_rules_name_metrics_that_there_are() -> None:
    rules = (README.parent / "config" / "alerts.yaml").read_text()
    named = set(re.findall(r"\bengagement_[a-z_]+", rules))
    source = "".join(file.read_text() for file in (README.parent / "engagement").rglob("*.py"))
    written = {f"engagement_{name}" for name in re.findall(r'"(?:engagement_)?([a-z_]+)"', source)}
    assert named
    assert named <= written
