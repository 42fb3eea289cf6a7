"""What the EU's transparency database asks of a statement, as a JSON schema.

By https://transparency.dsa.ec.europa.eu/page/api-documentation, as far as texts can be restricted.
"""

from __future__ import annotations

from typing import Any

DAY = {"type": "string", "pattern": r"^20\d\d-[01]\d-[0-3]\d$"}
YES_OR_NO = {"enum": ["Yes", "No"]}
CATEGORIES = [
    f"STATEMENT_CATEGORY_{name}"
    for name in (
        "ANIMAL_WELFARE", "CONSUMER_INFORMATION", "CYBER_VIOLENCE", "CYBER_VIOLENCE_AGAINST_WOMEN",
        "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS", "ILLEGAL_OR_HARMFUL_SPEECH",
        "INTELLECTUAL_PROPERTY_INFRINGEMENTS", "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
        "NOT_SPECIFIED_NOTICE", "OTHER_VIOLATION_TC", "PROTECTION_OF_MINORS", "RISK_FOR_PUBLIC_SECURITY",
        "SCAMS_AND_FRAUD", "SELF_HARM", "UNSAFE_AND_PROHIBITED_PRODUCTS", "VIOLENCE",
    )
]  # fmt: skip
VISIBILITIES = [
    f"DECISION_VISIBILITY_{name}"
    for name in (
        "CONTENT_REMOVED", "CONTENT_DISABLED", "CONTENT_DEMOTED", "CONTENT_AGE_RESTRICTED",
        "CONTENT_INTERACTION_RESTRICTED", "CONTENT_LABELLED", "OTHER",
    )
]  # fmt: skip
PROVISIONS = [
    f"DECISION_PROVISION_{what}_{how}"
    for what in ("PARTIAL", "TOTAL")
    for how in ("SUSPENSION", "TERMINATION")
]


def _text(most: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": most}


def _if(field: str, value: Any, *needed: str) -> dict[str, Any]:
    condition = {"properties": {field: value}, "required": [field]}
    return {"if": condition, "then": {"required": list(needed)}}


STATEMENT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "decision_visibility": {"type": "array", "minItems": 1, "items": {"enum": VISIBILITIES}},
        "decision_visibility_other": _text(500),
        "end_date_visibility_restriction": DAY,
        "decision_provision": {"enum": PROVISIONS},
        "end_date_service_restriction": DAY,
        "decision_account": {"enum": ["DECISION_ACCOUNT_SUSPENDED", "DECISION_ACCOUNT_TERMINATED"]},
        "account_type": {"enum": ["ACCOUNT_TYPE_BUSINESS", "ACCOUNT_TYPE_PRIVATE"]},
        "decision_ground": {
            "enum": ["DECISION_GROUND_ILLEGAL_CONTENT", "DECISION_GROUND_INCOMPATIBLE_CONTENT"]
        },
        "illegal_content_legal_ground": _text(500),
        "illegal_content_explanation": _text(2_000),
        "incompatible_content_ground": _text(500),
        "incompatible_content_explanation": _text(2_000),
        "incompatible_content_illegal": YES_OR_NO,
        "category": {"enum": CATEGORIES},
        "content_type": {"type": "array", "minItems": 1, "items": {"enum": ["CONTENT_TYPE_TEXT"]}},
        "content_date": DAY,
        "application_date": DAY,
        "decision_facts": _text(5_000),
        "source_type": {
            "enum": [
                "SOURCE_ARTICLE_16", "SOURCE_TRUSTED_FLAGGER", "SOURCE_TYPE_OTHER_NOTIFICATION",
                "SOURCE_VOLUNTARY",
            ]
        },
        "automated_detection": YES_OR_NO,
        "automated_decision": {
            "enum": [f"AUTOMATED_DECISION_{how}" for how in ("FULLY", "PARTIALLY", "NOT_AUTOMATED")]
        },
        "puid": {"type": "string", "pattern": r"^[A-Za-z0-9_-]{1,500}$"},
    },
    "required": [
        "decision_ground", "category", "content_type", "content_date", "application_date", "decision_facts",
        "source_type", "automated_detection", "automated_decision", "puid",
    ],
    "allOf": [
        {
            "anyOf": [
                {"required": [name]}
                for name in ("decision_visibility", "decision_provision", "decision_account")
            ]
        },
        _if("decision_visibility", {"contains": {"const": VISIBILITIES[-1]}}, "decision_visibility_other"),
        _if(
            "decision_ground", {"const": "DECISION_GROUND_ILLEGAL_CONTENT"},
            "illegal_content_legal_ground", "illegal_content_explanation",
        ),
        _if(
            "decision_ground", {"const": "DECISION_GROUND_INCOMPATIBLE_CONTENT"},
            "incompatible_content_ground", "incompatible_content_explanation",
        ),
    ],
}  # fmt: skip
EXPORT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"statements": {"type": "array", "items": STATEMENT}},
    "required": ["statements"],
}
