"""A comment's text with the places marked that a rule has found. Pure, and escaped before anything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup, escape

MARK = Markup("<mark>%s</mark>")


def marked(text: str, hits: Iterable[Mapping[str, Any]], revision: int) -> Markup:
    """`text` as HTML. `hits` as `context.tell_cases` tells them: those of another revision mark nothing.

    Places that overlap are one; one that the text has not is left out.
    """
    return found_in(text, [hit["found"] for hit in hits if hit["revision"] == revision])


def found_in(text: str, found: Iterable[Mapping[str, Any]]) -> Markup:
    """As `marked`, of what a rule tells: `start` and `end` where it has found something at a place."""
    places = [(each["start"], each["end"]) for each in found if "start" in each and "end" in each]
    html, at = Markup(), 0
    for start, end in _joined(places, len(text)):
        html += escape(text[at:start]) + MARK % text[start:end]
        at = end
    return html + escape(text[at:])


def grouped(hits: Iterable[Mapping[str, Any]], revision: int) -> list[dict[str, Any]]:
    """Why a text is here, once for each rule and reason: with all phrases that were found."""
    told: dict[tuple[Any, ...], dict[str, Any]] = {}
    for hit in hits:
        if hit["revision"] != revision:
            continue
        rule = hit["rule"] or {}
        key = (rule.get("id"), rule.get("version"), hit["reason"], hit["shadow"])
        one = told.setdefault(key, {**hit, "phrases": []})
        phrase = hit["found"].get("phrase")
        if phrase is not None and phrase not in one["phrases"]:
            one["phrases"].append(phrase)
    return list(told.values())


def _joined(places: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(place for place in places if 0 <= place[0] < place[1] <= length):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
