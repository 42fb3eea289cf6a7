"""A judge with scorers: what they find, and what becomes of a text when they are down; what judging costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from engagement.comments.verdict import Judged, Verdict
from engagement.db.engine import Database
from engagement.hot.connection import Hot
from engagement.hot.turns import Turns
from engagement.moderation.judging import Judging
from engagement.moderation.log.service import ModerationLog
from engagement.moderation.policy.policies import Policies, PolicyChanges
from engagement.moderation.rules.changes import RuleChanges
from engagement.moderation.rules.findings import Finding
from engagement.moderation.rules.known import Rules
from engagement.moderation.rules.scoring import Down, Score
from engagement.ratelimit import RateLimits
from engagement.readers.caller import Caller
from engagement.sealing import Seal
from engagement.settings import Settings
from engagement.sites.service import Site
from engagement.staff.members import Member

ADMIN = Member(UUID(int=7), "demo", "admin", "An admin")
SETTINGS = {"url": "https://scorer.example/", "secret": "a secret", "threshold": 0.8}


class Thermometer:
    """A scorer whose answer is what the text says: "0.9", or nothing at all."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []

    def score(self, settings: Mapping[str, Any], text: str, context: Mapping[str, Any]) -> Score | Down:
        """See `Scorers`."""
        self.asked.append(context)
        try:
            return Score(float(text), "toxic", "it said so")
        except ValueError:
            return Down("no number")


class Bench:
    """A judge of the site `demo`, and the staff's side of it."""

    def __init__(self, settings: Settings, database: Database, hot: Hot) -> None:
        log = ModerationLog(settings.secret_key)
        self.scorer = Thermometer()
        seal = Seal(settings.secret_key)
        self.policies, self.rules = Policies(database), Rules(database, seal)
        self.changes = RuleChanges(database, self.rules, log, seal)
        self.policy = PolicyChanges(database, self.policies, log)
        self.judging = Judging(
            database,
            self.policies,
            self.rules,
            RateLimits(hot, settings),
            log,
            Turns(hot),
            settings.secret_key,
            self.scorer,
        )

    def judge(self, text: str, held_for: str | None = None) -> Verdict:
        site = Site("demo", "Demo", (), "open")
        caller = Caller(UUID(int=9), "a network")
        return self.judging.judge(
            Judged(site, "story", None, caller, text, f"<p>{text}</p>", held_for=held_for)
        )

    def rule(self, **given: Any) -> None:
        usual = {"name": "R", "mode": "on", "action": "hold", "reason": "scorer", "kind": "scorer"}
        self.changes.create(ADMIN, "demo", {**usual, "settings": SETTINGS, **given})


@pytest.fixture
def bench(settings: Settings, database: Database, hot: Hot) -> Bench:
    return Bench(settings, database, hot)


def findings(verdict: Verdict) -> list[Finding]:
    return list(verdict.grounds.findings)


def test_a_score_at_the_threshold_and_above_is_held_and_told(bench: Bench) -> None:
    bench.rule()
    assert bench.judge("0.79") == Verdict()
    verdict = bench.judge("0.8")
    assert (verdict.status, verdict.reason) == ("pending", "scorer")
    (finding,) = findings(verdict)
    assert finding.found[0].told == {"score": 0.8, "label": "toxic"}
    assert finding.score == 0.8
    assert "toxic with 80 % certainty" in finding.facts()
    assert bench.scorer.asked[0] == {
        "site": "demo", "article": "story", "reader": str(UUID(int=9)), "url": None, "title": None,
    }  # fmt: skip


def test_what_becomes_of_a_text_when_a_scorer_is_down_is_a_part_of_the_rule(bench: Bench) -> None:
    bench.rule(action="reject")
    verdict = bench.judge("no number")
    assert (verdict.status, verdict.reason) == ("pending", "scorer_down")
    (finding,) = findings(verdict)
    assert "no answer" in finding.facts()
    bench.rule(settings={**SETTINGS, "when_down": "approve"})
    (only,) = findings(bench.judge("nothing"))
    assert only.rule is not None
    assert only.rule.settings["when_down"] == "hold"


def test_a_scorer_in_the_shadow_only_notes_its_score(bench: Bench) -> None:
    bench.rule(mode="shadow")
    verdict = bench.judge("0.95")
    assert verdict.status == "approved"
    assert [finding.shadow for finding in findings(verdict)] == [True]


def test_a_form_without_scripts_waits_unless_a_rule_says_more(bench: Bench) -> None:
    assert bench.judge("hello", "plain_form").reason == "plain_form"
    bench.rule(kind="phrases", reason="abuse", action="reject", settings={"phrases": ["fool"]})
    verdict = bench.judge("you fool", "plain_form")
    assert (verdict.status, verdict.reason) == ("rejected", "abuse")
    assert [finding.reason for finding in findings(verdict)] == ["abuse", "plain_form"]


def test_what_no_rule_touches_asks_nobody_and_writes_nothing(bench: Bench, database: Database) -> None:
    bench.rule(kind="phrases", reason="abuse", action="reject", settings={"phrases": ["fool"]})
    bench.judge("to know the rules")
    statements: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    for n in range(50):
        assert bench.judge(f"A classic, number {n}") == Verdict()
    # Whether anything changed is asked once a second by each memory, and by nothing else.
    assert {statement.split("WHERE")[0] for statement in statements} <= {
        "SELECT meta.value \nFROM meta \n", "BEGIN DEFERRED", "BEGIN",
    }  # fmt: skip
