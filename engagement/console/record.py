"""What was done and how it goes: the log and the figures."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from flask import Blueprint, Response

from engagement import clock
from engagement.console.charts import bars
from engagement.console.forms import given, number
from engagement.console.services import Services
from engagement.console.showing import entered, show
from engagement.staff.roles import LOG, STATISTICS

PAGE: Final = 50
SPANS: Final = {"day": ("24 hours", 1), "week": ("7 days", 7), "month": ("30 days", 30)}
"""How far back the figures may go: word of the query → label, days."""


def add_record(pages: Blueprint, services: Services) -> None:
    """The routes."""

    @pages.get("/<site>/log")
    def log(site: str) -> Response:
        """The newest entries, and where to go on."""
        at = entered(services, site, LOG)
        before = number("before", given("before"))
        if before is not None:
            before = min(max(before, 0), 2**63 - 1)
        found = services.entries.page(at.site.key, PAGE, before)
        entries = [{**each, "about": _about(each["subject"])} for each in found["items"]]
        return show(
            "log.html", at, page="log", entries=entries, more=found["next_cursor"], head=found["head"]
        )

    @pages.get("/<site>/figures")
    def figures(site: str) -> Response:
        """Of the last day, unless the query names another span."""
        at = entered(services, site, STATISTICS)
        span = given("span")
        if span not in SPANS:
            span = "day"
        days = SPANS[span][1]
        now = clock.now()
        found = services.figures.of(at.site.key, now - timedelta(days=days), now)
        hours = [(_hour(each["from"], days), each["count"]) for each in found["decisions"]["hours"]]
        return show(
            "figures.html",
            at,
            page="figures",
            figures=found,
            chart=bars(hours),
            hours=hours,
            span=span,
            spans=SPANS,
        )


def _hour(at: str, days: int) -> str:
    moment = datetime.fromisoformat(at)
    return f"{moment:%H:00}" if days == 1 else f"{moment:%-d %b %H:00}"


def _about(subject: dict[str, Any]) -> list[tuple[str, str]]:
    """What an entry is about, a name and a value each; what is empty isn't told."""
    return [
        (name.replace("_", " "), _told(value))
        for name, value in subject.items()
        if value not in (None, "", [], False)
    ]


def _told(value: object) -> str:
    if value is True:
        return "yes"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
