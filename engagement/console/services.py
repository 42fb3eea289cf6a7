"""What the console's pages are made over: the services that the admin API calls."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from engagement.console.guard import Guard
from engagement.console.links import Links
from engagement.console.sessions import Sessions
from engagement.db.engine import Database
from engagement.moderation.decisions.service import Decisions
from engagement.moderation.figures.service import Figures
from engagement.moderation.log.entries import Entries
from engagement.moderation.policy.policies import PolicyChanges
from engagement.moderation.queue.claims import Claims
from engagement.moderation.queue.service import Queue
from engagement.moderation.readers.bans import Bans
from engagement.moderation.readers.files import ReaderFiles
from engagement.moderation.readers.search import ReaderSearch
from engagement.moderation.rules.changes import RuleChanges
from engagement.moderation.rules.preview import Previews
from engagement.moderation.statements.appeals import Appeals
from engagement.moderation.statements.stating import Stating
from engagement.moderation.waiting import Waiting
from engagement.settings import Settings
from engagement.sites.service import Sites
from engagement.staff.caller import StaffCallers
from engagement.staff.service import Staff
from engagement.staff.sign_on_issuers import SignOnIssuers


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
    rule_changes: RuleChanges
    previews: Previews
    bans: Bans
    files: ReaderFiles
    reader_search: ReaderSearch
    appeals: Appeals
    stating: Stating
    waiting: Waiting
    issuers: SignOnIssuers

    def named(self, member_id: str | UUID | None) -> str | None:
        """The name of one of the staff; None where it was nobody, or is nobody any more."""
        if member_id is None:
            return None
        member = self.staff.member(member_id if isinstance(member_id, UUID) else UUID(member_id))
        return member.name if member else None
