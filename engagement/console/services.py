"""What the console's pages are made over: the services that the admin API calls."""

from __future__ import annotations

from dataclasses import dataclass

from engagement.console.guard import Guard
from engagement.console.links import Links
from engagement.console.sessions import Sessions
from engagement.db.engine import Database
from engagement.moderation.claims import Claims
from engagement.moderation.decisions import Decisions
from engagement.moderation.entries import Entries
from engagement.moderation.figures import Figures
from engagement.moderation.policies import PolicyChanges
from engagement.moderation.queue import Queue
from engagement.settings import Settings
from engagement.sites.service import Sites
from engagement.staff.caller import StaffCallers
from engagement.staff.service import Staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Of one application."""

    settings: Settings
    database: Database
    sites: Sites
    staff: Staff
    callers: StaffCallers
    sessions: Sessions
    links: Links
    guard: Guard
    queue: Queue
    claims: Claims
    decisions: Decisions
    policy_changes: PolicyChanges
    entries: Entries
    figures: Figures
