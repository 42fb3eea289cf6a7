"""What the console's pages say for what the services call by a code."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from engagement.moderation.queue.service import COUNTED
from engagement.moderation.statements.reasons import GIVEN, REASONS, reason_of
from engagement.staff import roles

PAGES: Final = (
    ("queue", "Queue", roles.QUEUE),
    ("articles", "Articles", roles.POLICY),
    ("rules", "Rules", roles.RULES),
    ("readers", "Readers", roles.READERS),
    ("appeals", "Appeals", roles.APPEALS),
    ("log", "Log", roles.LOG),
    ("figures", "Figures", roles.STATISTICS),
    ("tokens", "Tokens", roles.TOKENS),
    ("sign-on", "Sign-on", roles.ISSUERS),
)
"""Path, label, permission."""
QUEUES: Final = {
    "pending": "Waiting",
    "reported": "Reported",
    "unmoderated": "Not looked at",
    "approved": "Approved",
    "rejected": "Rejected",
    "spam": "Spam",
}
"""The queues, in the order in which they are worked through."""
SORTS: Final = {"oldest": "Oldest first", "priority": "Most pressing first", "newest": "Newest first"}
STATUSES: Final = {
    "approved": "approved",
    "pending": "waiting",
    "rejected": "rejected",
    "spam": "spam",
    "deleted": "deleted",
    "moved": "moved to another article",
}
SHORT: Final = {
    "spam": "Spam",
    "abuse": "Attack or insult",
    "hate": "Hate",
    "false": "False claim",
    "illegal": "Illegal",
    "off_topic": "Off topic",
    "personal_data": "Private data",
    "impersonation": "Impersonation",
    "other": "Something else",
}
"""Reasons that are given for a decision, as short as on a button."""
CHOICES: Final = tuple((code, SHORT.get(code, REASONS[code].label)) for code in GIVEN)
DONE: Final = {
    "approve": "Approved",
    "reject": "Rejected",
    "spam": "Marked as spam",
    "delete": "Deleted",
    "pin": "Pinned",
    "unpin": "No longer pinned",
    "feature": "Featured",
    "unfeature": "No longer featured",
    "close_thread": "Thread closed",
    "open_thread": "Thread opened",
    "undo": "Undone",
}
KINDS: Final = {
    "phrases": "Words and phrases",
    "links": "Links",
    "duplicate": "The same text again",
    "flood": "Too many in a short time",
    "caps": "Capitals",
    "mail_domain": "Disposable mail addresses",
    "scorer": "A scorer",
}
MODES: Final = {"on": "on", "shadow": "only noted", "off": "off"}
RULE_ACTIONS: Final = {"hold": "hold for a moderator", "spam": "mark as spam", "reject": "reject"}
REASON_CHOICES: Final = tuple(REASONS)
BANS: Final = {
    "warning": "Warn: it is told, and nothing else",
    "suspension": "Suspend: reads, and doesn't write, until it ends",
    "ban": "Ban: reads, and doesn't write",
    "shadow": "Shadow: is shown to themself alone",
}
BAN_NAMES: Final = {"warning": "Warning", "suspension": "Suspension", "ban": "Ban", "shadow": "Shadow mode"}
TRUSTS: Final = {"new": "as somebody new", "usual": "as everybody", "trusted": "trusted"}
APPEALS: Final = {"open": "Open", "granted": "Granted", "refused": "Refused", "settled": "Settled"}
RESTRICTIONS: Final = {
    "hold": "Held",
    "removal": "Removed",
    "spam": "Removed as spam",
    **BAN_NAMES,
}
TOLD: Final = {
    "made": "The rule is made.",
    "changed": "The rule has a new version.",
    "ended": "The rule is ended.",
    "noted": "The note is kept.",
    "trusted": "It is set.",
    "banned": "It is done, and the reader is told.",
    "lifted": "It is lifted, and what it took comes back.",
    "granted": "The appeal is granted, and the restriction is no more.",
    "issuer-added": "The issuer is added: its tokens are taken from now on.",
    "issuer-disabled": "The issuer is disabled: its tokens are refused.",
    "refused": "The appeal is refused, and the reader can read why.",
}
"""What a page says after a form of it was sent."""
ACTORS: Final = {
    "staff": "Somebody of the staff",
    "rule": "A rule",
    "system": "The service",
    "reader": "A reader",
}
NONE: Final = "\N{EN DASH}"
YES_NO: Final = {"true": "yes", "false": "no"}
FIELDS: Final = {
    "moderation": (
        "Comments are shown",
        {"post": "at once, and read later", "pre": "once a moderator has approved them"},
    ),
    "closed": ("No more comments", YES_NO),
    "reactions_only": ("Reactions, but no comments", YES_NO),
    "close_after_days": ("Comments close after so many days (0: never)", None),
    "hold_links": ("Comments with links wait", YES_NO),
    "hold_new_readers": ("So many first comments of a reader wait (0: none)", None),
    "slow_mode": ("Seconds between two comments of a reader (0: any)", None),
    "hold_after_reports": ("Reports that take a comment from view (0: none do)", None),
}
"""Field of a policy → its label, and the words for its values; None: a number."""
ROLES: Final = {"owner": "Owner", "admin": "Administrator", "moderator": "Moderator", "service": "Back end"}


def why(code: str | None) -> str:
    """A reason's sentence."""
    return reason_of(code).label if code else ""


def short(code: str | None) -> str:
    """A reason in a word or two."""
    return SHORT.get(code or "", (code or "").replace("_", " ").capitalize())


def moment(at: datetime | str | None) -> str:
    """`24 Nov 2026, 18:05` (UTC)."""
    if at is None:
        return NONE
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M}"


def number(value: float | None, digits: int = 0) -> str:
    """`1,234`."""
    return NONE if value is None else f"{value:,.{digits}f}"


def share(value: float | None) -> str:
    """`12 %`."""
    return NONE if value is None else f"{value * 100:.0f} %"


def lasting(seconds: float | None) -> str:
    """`45 s`, `12 min`, `3.5 h`, `2.1 days`."""
    if seconds is None:
        return NONE
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 10 or unit == "min" else f"{value:.1f} {unit}"
    return f"{seconds:.0f} s"


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 report`, `2 reports`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def clock(at: str) -> str:
    """`18:05` (UTC)."""
    return f"{datetime.fromisoformat(at).astimezone(UTC):%H:%M}"


def up_to(count: int) -> str:
    """`12`, and `1,000+` where it was not counted further."""
    return f"{COUNTED:,}+" if count > COUNTED else f"{count:,}"


def value(name: str, of: object) -> str:
    """A policy's value, in words."""
    known = FIELDS[name][1]
    key = str(of).lower() if isinstance(of, bool) else str(of)
    return known[key] if known else key


def act(action: str) -> str:
    """An action of the log, as a sentence without its subject: `token.made` is "Token made"."""
    return action.replace(".", " ").replace("_", " ").replace("-", " ").capitalize()
