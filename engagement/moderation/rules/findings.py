"""What rules and policies say of a text, and how that is told to its author and stored. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from engagement.comments.counting import PENDING, REJECTED
from engagement.comments.counting import SPAM as SPAM_STATUS
from engagement.comments.verdict import Stored
from engagement.moderation.rules.kinds import ACTIONS, HOLD, REJECT, SHADOW, SPAM, Rule
from engagement.moderation.rules.text import Found
from engagement.moderation.statements.reasons import reason_of

STATUS: Final = {HOLD: PENDING, SPAM: SPAM_STATUS, REJECT: REJECTED}
SAYS: Final = {
    HOLD: "Your comment waits for a moderator.",
    SPAM: "Your comment was taken for spam.",
    REJECT: "Your comment was not accepted.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule (None: a policy) says of the text, and what it has found."""

    reason: str
    action: str
    rule: Rule | None = None
    found: Sequence[Found] = ()

    @property
    def shadow(self) -> bool:
        """Is it only noted?"""
        return self.rule is not None and self.rule.mode == SHADOW

    @property
    def score(self) -> float | None:
        """The highest of what was found."""
        return max((found.score for found in self.found if found.score is not None), default=None)

    def facts(self) -> str:
        """What happened and why, in words for the reader."""
        if self.rule is None or not self.found:
            return f"{SAYS[self.action]} {reason_of(self.reason).label}"
        what = ", ".join(dict.fromkeys(found.words for found in self.found))
        return f"{SAYS[self.action]} The rule “{self.rule.name}” (version {self.rule.version}) found {what}."


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why: all findings, and the one that decides; `digest`: of a text that is to be remembered."""

    findings: Sequence[Finding] = ()
    decisive: Finding | None = None
    digest: str | None = None


DONE: Final = {HOLD: "comment.held", SPAM: "comment.spam", REJECT: "comment.rejected"}
"""In the log."""


def decisive(findings: Sequence[Finding]) -> Finding | None:
    """The one that decides: of the hardest action, the first; None: all are only noted."""
    return max(
        (finding for finding in findings if not finding.shadow),
        key=lambda finding: ACTIONS.index(finding.action),
        default=None,
    )


def rows(site: str, at: Stored, findings: Sequence[Finding], now: datetime) -> list[dict[str, Any]]:
    """As they are stored (`rule_hits`): a row for each thing that was found."""
    return [
        {
            "site": site, "article_id": at.article_id, "comment_id": at.comment_id, "revision": at.revision,
            "rule_id": finding.rule.id if finding.rule else None,
            "version": finding.rule.version if finding.rule else None,
            "reason": finding.reason, "action": finding.action, "shadow": finding.shadow,
            "found": found.told, "score": found.score, "created_at": now,
        }
        for finding in findings
        for found in finding.found or (NOTHING,)
    ]  # fmt: skip


NOTHING: Final = Found({}, "")
