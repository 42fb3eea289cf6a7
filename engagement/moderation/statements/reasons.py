"""The reasons that moderation gives: a stable code of each, what readers are told, what it rests on. Pure.

The ground is the law or the publisher's terms (Digital Services Act, article 17, 3 d and e); the category is
that of the EU's transparency database, https://transparency.dsa.ec.europa.eu/page/api-documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Ground = Literal["illegal", "terms"]
ILLEGAL: Final = "illegal"
TERMS: Final = "terms"

OTHER_VIOLATION: Final = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
SCAMS: Final = "STATEMENT_CATEGORY_SCAMS_AND_FRAUD"
SPEECH: Final = "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH"
CYBER_VIOLENCE: Final = "STATEMENT_CATEGORY_CYBER_VIOLENCE"
PRIVACY: Final = "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS"
CIVIC_DISCOURSE: Final = "STATEMENT_CATEGORY_NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is restricted.

    `label`: a sentence to the reader. `reference`: the law, or the rule of the house, unless one is named.
    `given`: may one of the staff give it? Others are a rule's or a policy's own.
    """

    code: str
    label: str
    ground: Ground
    reference: str
    category: str
    given: bool = False


HOUSE: Final = "The rules of this conversation"
LAW: Final = "Regulation (EU) 2022/2065, article 3(h): content that is not in compliance with the law"


def _terms(
    code: str, label: str, rule: str, category: str = OTHER_VIOLATION, *, given: bool = False
) -> Reason:
    return Reason(code, label, TERMS, f"{HOUSE}: {rule}", category, given)


OTHER: Final = _terms(
    "other", "It goes against the rules of this conversation.", "what they ask of readers", given=True
)

_ALL = (
    _terms(
        "premoderation", "Comments on this article are read before they appear.", "comments are read first"
    ),
    _terms(
        "plain_form",
        "It was written in a form without scripts, and those are read before they appear.",
        "comments are read first",
    ),
    _terms(
        "new_reader",
        "The first comments of new readers are read before they appear.",
        "comments are read first",
    ),
    _terms("link", "Comments with links are read before they appear.", "comments with links are read first"),
    _terms("phrase_suspect", "It has words that a moderator is to look at.", "comments are read first"),
    _terms("phrase_banned", "It has words that are not allowed here.", "words that are not allowed"),
    _terms("duplicate", "The same text was posted elsewhere.", "no text over and over", SCAMS),
    _terms("flood", "Too many comments came in a short time.", "no flooding", SCAMS),
    _terms("caps", "Most of it is in capitals.", "no shouting"),
    _terms("mail_domain", "It names a mail address of a disposable kind.", "no disposable addresses", SCAMS),
    _terms(
        "scorer", "An automatic check found it likely to go against the rules.", "what they ask of readers"
    ),
    _terms(
        "scorer_down",
        "An automatic check could not be made, so that a moderator looks.",
        "comments are read first",
    ),
    _terms("shadow", "What you write is shown to nobody else for now.", "what they ask of readers"),
    _terms("reports", "Other readers have reported it.", "what they ask of readers"),
    _terms("spam", "It is advertising, or spam.", "no advertising and no spam", SCAMS, given=True),
    _terms("abuse", "It attacks or insults somebody.", "no attacks on others", CYBER_VIOLENCE, given=True),
    _terms("hate", "It is hateful towards a group of people.", "no hatred", SPEECH, given=True),
    _terms("false", "It says what is known to be false.", "no false claims", CIVIC_DISCOURSE, given=True),
    Reason("illegal", "It is against the law.", ILLEGAL, LAW, SPEECH, given=True),
    _terms("off_topic", "It has nothing to do with the article.", "comments are on the article", given=True),
    _terms(
        "personal_data",
        "It tells private things of somebody.",
        "no private data of others",
        PRIVACY,
        given=True,
    ),
    _terms(
        "impersonation",
        "It pretends to be somebody else.",
        "nobody poses as another",
        CYBER_VIOLENCE,
        given=True,
    ),
    OTHER,
)

REASONS: Final = {reason.code: reason for reason in _ALL}
"""Code → reason."""
GIVEN: Final = tuple(reason.code for reason in _ALL if reason.given)
"""The codes that one of the staff may give for a decision or a ban."""
REPORTED: Final = ("spam", "abuse", "hate", "false", "illegal", "other")
"""The codes that a reader may report a comment for."""


def reason_of(code: str) -> Reason:
    """The reason with this code; of one that isn't known here (any more): `other`, under its own code."""
    known = REASONS.get(code)
    return known or Reason(code, OTHER.label, OTHER.ground, OTHER.reference, OTHER.category)
