"""Statements of reasons as they are told: to the reader, to the staff, to the EU's transparency database.

What the database asks for, and in which words: https://transparency.dsa.ec.europa.eu/page/api-documentation
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from engagement import clock
from engagement.moderation.statements import statements
from engagement.moderation.statements.reasons import ILLEGAL, reason_of
from engagement.moderation.statements.statements import BAN, HOLD, REMOVAL, SHADOW, SPAM, SUSPENSION

APPEAL_WITHIN: Final = timedelta(days=183)
"""Six months (Digital Services Act, article 20), and never a day less."""
REDRESS: Final = (
    "You can appeal against this here, for six months: somebody else than who decided looks at it again. "
    "You can also turn to a certified out-of-court dispute settlement body, or to a court."
)
"""Article 17, 3 f."""
FORGOTTEN: Final = "The facts were erased together with the reader."
OPENINGS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes a cell that begins with for a formula."""
COLUMNS: Final = (
    "id", "site", "restriction", "reason", "category", "facts", "ground", "ground_reference", "article",
    "comment_id", "revision", "ban_id", "decision_id", "rule_id", "rule_version", "automated_detection",
    "automated_decision", "starts_at", "ends_at", "created_at", "withdrawn_at", "appeal",
)  # fmt: skip
"""Of the export as CSV."""


def to_reader(row: Any) -> dict[str, Any]:
    """With all that article 17 asks for. `row`: of `stating.STATEMENTS`."""
    return {
        "id": str(row.id),
        "restriction": row.restriction,
        "reason": row.reason,
        "label": reason_of(row.reason).label,
        "facts": row.facts,
        "ground": row.ground,
        "ground_reference": row.ground_reference,
        "rule": {"name": row.rule_name, "version": row.rule_version} if row.rule_id else None,
        "automated_detection": row.automated_detection,
        "automated_decision": row.automated_decision,
        "article": row.article,
        "comment_id": row.comment_id and str(row.comment_id),
        "starts_at": clock.rfc3339(row.starts_at),
        "ends_at": _time(row.ends_at),
        "created_at": clock.rfc3339(row.created_at),
        "withdrawn_at": _time(row.withdrawn_at),
        "redress": REDRESS,
        "appeal_until": clock.rfc3339(row.created_at + APPEAL_WITHIN),
        "appeal": appeal(row),
    }


def appeal(row: Any) -> dict[str, Any] | None:
    """The reader's appeal against a statement, if there is one."""
    if row.appeal_id is None:
        return None
    return {
        "id": str(row.appeal_id),
        "state": row.appeal_state,
        "text": row.appeal_text,
        "answer": row.appeal_answer,
        "created_at": clock.rfc3339(row.appealed_at),
        "decided_at": _time(row.appeal_decided_at),
    }


def to_database(row: Any) -> dict[str, Any]:
    """A statement as the transparency database takes it. A warning restricts nothing, and is none there."""
    why = reason_of(row.reason)
    facts = row.facts or FORGOTTEN
    ground = "ILLEGAL" if row.ground == ILLEGAL else "INCOMPATIBLE"
    told: dict[str, Any] = {
        **_decision(row),
        "decision_ground": f"DECISION_GROUND_{ground}_CONTENT",
        "category": why.category,
        "content_type": ["CONTENT_TYPE_TEXT"],
        "content_date": (row.written_at or row.created_at).date().isoformat(),
        "application_date": row.starts_at.date().isoformat(),
        "decision_facts": facts[:5_000],
        "source_type": "SOURCE_TYPE_OTHER_NOTIFICATION" if row.reason == "reports" else "SOURCE_VOLUNTARY",
        "automated_detection": "Yes" if row.automated_detection else "No",
        "automated_decision": f"AUTOMATED_DECISION_{'FULLY' if row.automated_decision else 'NOT_AUTOMATED'}",
        "puid": str(row.id),
    }  # fmt: skip
    if row.ground == ILLEGAL:
        law = {"illegal_content_legal_ground": row.ground_reference[:500]}
        return told | law | {"illegal_content_explanation": why.label}
    return told | {
        "incompatible_content_ground": row.ground_reference[:500],
        "incompatible_content_explanation": why.label,
        "incompatible_content_illegal": "No",
    }


def _decision(row: Any) -> dict[str, Any]:
    end = row.ends_at and row.ends_at.date().isoformat()
    match row.restriction:
        case statements.SUSPENSION | statements.BAN:  # they go on reading
            way = "SUSPENSION" if end else "TERMINATION"
            told = {"decision_provision": f"DECISION_PROVISION_PARTIAL_{way}"}
            account = {"account_type": "ACCOUNT_TYPE_PRIVATE"}
            return told | account | ({"end_date_service_restriction": end} if end else {})
        case statements.SHADOW:
            other = "What the account writes is shown to itself alone."
            hidden: dict[str, Any] = {"decision_visibility": ["DECISION_VISIBILITY_OTHER"]}
            hidden["decision_visibility_other"] = other
            return hidden | ({"end_date_visibility_restriction": end} if end else {})
        case statements.HOLD:
            return {"decision_visibility": ["DECISION_VISIBILITY_CONTENT_DISABLED"]}
    return {"decision_visibility": ["DECISION_VISIBILITY_CONTENT_REMOVED"]}


RESTRICTS: Final = (HOLD, REMOVAL, SPAM, SUSPENSION, BAN, SHADOW)
"""What the transparency database is told: all but warnings."""


def to_csv(row: Any) -> list[str]:
    """The cells of `COLUMNS`; none of them is taken for a formula."""
    values = row._asdict() | {"category": reason_of(row.reason).category, "appeal": row.appeal_state}
    return [_cell(values[name]) for name in COLUMNS]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = clock.rfc3339(value) if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.startswith(OPENINGS) else text


def _time(moment: datetime | None) -> str | None:
    return clock.rfc3339(moment) if moment else None
