"""Judges a text before it is stored, by policy and rules, and writes down why it is held or refused.

Every rule is asked, so that all that was found is known; the hardest action wins. What is let through, and
touched by no rule, costs a look into memory and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hashlib import blake2b
from math import ceil
from typing import Final

from sqlalchemy import Connection, insert

from engagement import clock
from engagement.comments.counting import APPROVED
from engagement.comments.verdict import Judged, Record, Stored, Verdict
from engagement.db.engine import Database
from engagement.db.tables import rule_hits
from engagement.errors import Closed, RedisUnavailable, TooFast
from engagement.hot.turns import Turn, Turns
from engagement.moderation.policy.inheritance import PRE, Policy, closing
from engagement.moderation.policy.policies import Log, Policies
from engagement.moderation.queue import cases
from engagement.moderation.rules import lately
from engagement.moderation.rules.findings import DONE, STATUS, Finding, Grounds, decisive, rows
from engagement.moderation.rules.kinds import DUPLICATE, FLOOD, HOLD, SCORER, Rule
from engagement.moderation.rules.known import Rules, SiteRules
from engagement.moderation.rules.scoring import Down, Scorers
from engagement.moderation.rules.text import Found, Text
from engagement.moderation.statements import statements
from engagement.ratelimit import RateLimits
from engagement.staff.members import SYSTEM, Actor

PREMODERATION, NEW_READER, LINK, DOWN = "premoderation", "new_reader", "link", "scorer_down"
LET_THROUGH: Final = Verdict()


class Judging:
    """See `engagement.comments.verdict.Judge`."""

    def __init__(
        self,
        database: Database,
        policies: Policies,
        rules: Rules,
        limits: RateLimits,
        log: Log,
        turns: Turns,
        secret_key: str,
        scorers: Scorers | None = None,
    ) -> None:
        self._database = database
        self._policies = policies
        self._rules = rules
        self._limits = limits
        self._log = log
        self._turns = turns
        self._scorers = scorers
        self._key = blake2b(secret_key.encode(), digest_size=32, person=b"text digests").digest()

    def judge(self, judged: Judged) -> Verdict:
        """Raises `Closed`, `TooFast`, `Unavailable`."""
        site = judged.site.key
        policy = self._policies.of(site, judged.article)
        if judged.comment_id is None:
            _refuse_closed(judged, policy)
        rules = self._rules.of(site)
        text = Text(judged.text, judged.html)
        digest = text.digest(self._key) if rules.remembers else None
        findings = _of_text(rules, text)
        turns: list[Turn] = []
        try:
            findings += self._of_stores(judged, policy, rules, text, turns)
        except BaseException:
            self.done(Verdict(turns=turns))
            raise
        findings += _of_policy(judged, policy, text)
        if not findings and digest is None:
            return Verdict(turns=turns) if turns else LET_THROUGH
        why = decisive(findings)
        grounds = Grounds(findings, why, digest)
        status, reason = (STATUS[why.action], why.reason) if why else (APPROVED, None)
        return Verdict(status, reason, grounds, turns)

    def done(self, verdict: Verdict) -> None:
        """See `Judge`."""
        for turn in verdict.turns:
            self._turns.end(turn)

    def record(self, connection: Connection, records: Sequence[Record]) -> None:
        """Write down what was found, and of what is held or refused its case, the statement and the log."""
        found = [record for record in records if record[1].grounds is not None]
        if not found:
            return
        now = clock.now()
        hits = [
            row
            for judged, verdict, at in found
            for row in rows(judged.site.key, at, verdict.grounds.findings, now)
        ]
        if hits:
            connection.execute(insert(rule_hits), hits)
        lately.remember(
            connection,
            [
                (judged.site.key, verdict.grounds.digest, at.comment_id)
                for judged, verdict, at in found
                if verdict.grounds.digest is not None
            ],
        )
        restricted = [
            record for record in found if not record[1].shown and record[1].grounds.decisive is not None
        ]
        for record in restricted:
            _state(connection, *record)
        for record in restricted:  # nobody else appends until the transaction ends
            self._note(connection, *record)

    def _note(self, connection: Connection, judged: Judged, verdict: Verdict, at: Stored) -> None:
        why: Finding = verdict.grounds.decisive
        actor = Actor("rule", why.rule.id) if why.rule else SYSTEM
        subject = {
            "article_id": str(at.article_id), "comment_id": str(at.comment_id), "revision": at.revision,
            "reason": why.reason, "version": why.rule.version if why.rule else None,
        }  # fmt: skip
        self._log.append(
            connection, action=DONE[why.action], actor=actor, subject=subject, site=judged.site.key
        )

    def _of_stores(
        self, judged: Judged, policy: Policy, rules: SiteRules, text: Text, turns: list[Turn]
    ) -> list[Finding]:
        """What needs to ask: SQL in one read, then Redis, then scorers.

        Of what looks for other comments one is judged and stored at a time: what is being stored meanwhile
        would not be seen. `turns` gets what was taken for that.
        """
        new = judged.comment_id is None
        slow = policy.slow_mode if new else 0
        duplicates = [rule for rule in rules.others if rule.kind == DUPLICATE and _long_enough(rule, text)]
        findings: list[Finding] = []
        site = judged.site.key
        if slow:
            turns += self._turn(f"slow:{site}:{judged.name}:{judged.caller.reader_id}")
        if duplicates:
            turns += self._turn(f"said:{site}:{text.digest(self._key)}")
        if slow or policy.hold_new_readers or duplicates:
            with self._database.read() as connection:
                if slow:
                    _refuse_fast(connection, judged, slow)
                if policy.hold_new_readers and lately.is_new(
                    connection, judged.caller.reader_id, policy.hold_new_readers
                ):
                    findings.append(Finding(NEW_READER, HOLD))
                for rule in duplicates:
                    findings += self._repeats(connection, judged, rule, text)
        for rule in rules.others:
            if rule.kind == FLOOD and new:
                findings += self._flood(judged, rule)
            elif rule.kind == SCORER:
                findings += self._score(judged, rule)
        return findings

    def _turn(self, what: str) -> list[Turn]:
        """None without Redis. Raises `TooFast` while somebody else has it."""
        try:
            turn = self._turns.take(what)
        except RedisUnavailable:
            return []
        if turn is None:
            raise TooFast("The same is being posted at this moment.", retry_after=1)
        return [turn]

    def _repeats(self, connection: Connection, judged: Judged, rule: Rule, text: Text) -> list[Finding]:
        others, within = rule.settings["others"], rule.settings["within"]
        digest = text.digest(self._key)
        said = lately.said(connection, judged.site.key, digest, within, others, judged.comment_id)
        if len(said) < others:
            return []
        times = "the same text" if others == 1 else f"the same text {others} times"
        found = Found({"comment_id": str(said[0]), "times": len(said)}, f"{times} elsewhere")
        return [Finding(rule.reason, rule.action, rule, [found])]

    def _flood(self, judged: Judged, rule: Rule) -> list[Finding]:
        count, seconds, by = rule.settings["count"], rule.settings["seconds"], rule.settings["by"]
        who = judged.caller.reader_id if by == "reader" else judged.caller.network
        if not self._limits.flooded(f"flood:{rule.id}:{rule.version}", count, seconds, who):
            return []
        found = Found(
            {"count": count, "seconds": seconds, "by": by}, f"more than {count} in {seconds} seconds"
        )
        return [Finding(rule.reason, rule.action, rule, [found])]

    def _score(self, judged: Judged, rule: Rule) -> list[Finding]:
        if self._scorers is None:
            return []
        article = judged.article
        context = {
            "site": judged.site.key, "article": judged.name, "reader": str(judged.caller.reader_id),
            "url": article.url if article else None, "title": article.title if article else None,
        }  # fmt: skip
        answer = self._scorers.score(rule.settings, judged.text, context)
        if isinstance(answer, Down):
            if rule.settings["when_down"] != HOLD:
                return []
            return [
                Finding(DOWN, HOLD, rule, [Found({"down": answer.why}, "no answer of an automatic check")])
            ]
        if answer.value < rule.settings["threshold"]:
            return []
        found = Found(
            {"score": round(answer.value, 4), "label": answer.label[:100]},
            f"{answer.label[:100] or 'a fault'} with {round(100 * answer.value)} % certainty",
            answer.value,
        )
        return [Finding(rule.reason, rule.action, rule, [found])]


def _state(connection: Connection, judged: Judged, verdict: Verdict, at: Stored) -> None:
    """The case of what is held or refused, and the statement of reasons."""
    why: Finding = verdict.grounds.decisive
    site, reader_id = judged.site.key, judged.caller.reader_id
    rule_id = why.rule.id if why.rule else None
    cases.open_case(
        connection, site=site, section=judged.article.section if judged.article else None,
        article_id=at.article_id, comment_id=at.comment_id, revision=at.revision,
        reader_id=reader_id, status=verdict.status, reason=why.reason, rule_id=rule_id, score=why.score,
    )  # fmt: skip
    statements.make(
        connection, site=site, reader_id=reader_id,
        article_id=at.article_id, comment_id=at.comment_id, revision=at.revision,
        restriction=statements.OF_STATUS[verdict.status], reason=why.reason, facts=why.facts(),
        rule_id=rule_id, rule_version=why.rule.version if why.rule else None,
        automated_detection=why.rule is not None, automated_decision=True,
    )  # fmt: skip


def _of_text(rules: SiteRules, text: Text) -> list[Finding]:
    return [
        Finding(rule.reason, rule.action, rule, found)
        for rule in rules.of_text
        if rule.check is not None and (found := rule.check(text))
    ]


def _of_policy(judged: Judged, policy: Policy, text: Text) -> list[Finding]:
    """What is held without looking for a fault in it: the first of these is the one that is told."""
    held = []
    if policy.hold_links and text.links:
        host = text.links[0]
        held.append(
            Finding(LINK, HOLD, None, [Found({"link": host, **text.place(host)}, f"a link to {host}")])
        )
    if policy.moderation == PRE:
        held.append(Finding(PREMODERATION, HOLD))
    if judged.held_for is not None:
        held.append(Finding(judged.held_for, HOLD))
    return held


def _refuse_closed(judged: Judged, policy: Policy) -> None:
    article = judged.article
    why = closing(policy, article.created_at if article else None, clock.now())
    if why is not None:
        raise Closed(why)


def _refuse_fast(connection: Connection, judged: Judged, seconds: int) -> None:
    """Raises `TooFast`."""
    last = lately.last_comment(connection, judged.site.key, judged.name, judged.caller.reader_id)
    left = (last + timedelta(seconds=seconds) - clock.now()).total_seconds() if last else 0
    if left > 0:
        raise TooFast(
            f"Under this article a reader may comment every {seconds} seconds.",
            retry_after=max(1, ceil(left)),
        )


def _long_enough(rule: Rule, text: Text) -> bool:
    least: int = rule.settings["min_length"]
    return len(text.body) >= least
