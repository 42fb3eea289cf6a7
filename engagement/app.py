"""The Flask application: wires stores, features, errors. Complete under any WSGI server."""

from __future__ import annotations

from flask import Flask

from engagement import health, http, openapi
from engagement.comments import api as comments_api
from engagement.comments.newest import Newest
from engagement.comments.service import Comments
from engagement.comments.writing import Rules, Writing
from engagement.console import pages as console_pages
from engagement.console.guard import Guard
from engagement.console.links import Links
from engagement.console.services import Services
from engagement.console.sessions import Sessions
from engagement.counts import api as counts_api
from engagement.counts.service import Counts
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.discussion import api as discussion_api
from engagement.discussion.answers import Answers
from engagement.discussion.posting import Posting
from engagement.fetching import Fetcher
from engagement.footer import api as footer_api
from engagement.footer.service import Footer
from engagement.hot.connection import Hot
from engagement.hot.pages import Pages
from engagement.hot.turns import Turns
from engagement.moderation.decisions import api as decisions_api
from engagement.moderation.decisions.effects import Effects
from engagement.moderation.decisions.service import Decisions
from engagement.moderation.figures import api as figures_api
from engagement.moderation.figures.service import Figures
from engagement.moderation.judging import Judging
from engagement.moderation.log import api as log_api
from engagement.moderation.log.entries import Entries
from engagement.moderation.log.service import ModerationLog
from engagement.moderation.policy import api as policy_api
from engagement.moderation.policy.policies import Policies, PolicyChanges
from engagement.moderation.queue import api as queue_api
from engagement.moderation.queue.claims import Claims
from engagement.moderation.queue.service import Queue
from engagement.moderation.readers import api as readers_admin_api
from engagement.moderation.readers.bans import Bans
from engagement.moderation.readers.files import ReaderFiles
from engagement.moderation.readers.search import ReaderSearch
from engagement.moderation.reports import api as reports_api
from engagement.moderation.reports.service import Reports
from engagement.moderation.rules import api as rules_api
from engagement.moderation.rules.changes import RuleChanges
from engagement.moderation.rules.known import Rules as KnownRules
from engagement.moderation.rules.preview import Previews
from engagement.moderation.scorers import TIMEOUT as SCORER_TIMEOUT
from engagement.moderation.scorers import HttpScorers
from engagement.moderation.statements import api as appeals_api
from engagement.moderation.statements.appeals import Appeals
from engagement.moderation.statements.stating import Stating
from engagement.moderation.waiting import Waiting
from engagement.plain import api as plain_api
from engagement.plain import pages as plain_pages
from engagement.plain.feeds import Feeds
from engagement.plain.reading import Reading
from engagement.ratelimit import RateLimits
from engagement.reactions import api as reactions_api
from engagement.reactions.service import Reactions
from engagement.readers import api as readers_api
from engagement.readers.bars import Bars
from engagement.readers.caller import Callers
from engagement.readers.erasing import Erasures
from engagement.readers.export import Exports
from engagement.readers.network_keys import NetworkKeys
from engagement.readers.service import Readers
from engagement.readers.signed_on import SignedOn
from engagement.readers.tokens import Tokens
from engagement.sealing import Seal
from engagement.settings import Settings
from engagement.sites import origins
from engagement.sites.service import Sites
from engagement.sso.issuers import Issuers
from engagement.sso.keys import KeySets
from engagement.sso.signing_on import SignOn
from engagement.staff import api as staff_api
from engagement.staff import articles_api, issuers_api
from engagement.staff.caller import StaffCallers
from engagement.staff.service import Staff
from engagement.staff.sign_on_issuers import SignOnIssuers
from engagement.staff.signing_on import StaffSignOn
from engagement.web.pages import pages as web_pages


def create_app(settings: Settings) -> Flask:
    """The service over the stores that the settings name; connects to none before the first request."""
    app = http.Application("engagement", static_folder=None)
    app.url_map.merge_slashes = False  # a redirect would repeat the Host that was sent
    database = Database(
        settings.database_url, timeout=settings.database_timeout, pool_size=settings.web_connections
    )
    hot = Hot.from_settings(settings, StoredBallots(database))
    pages = Pages(hot, settings.page_ttl)
    limits = RateLimits(hot, settings)
    tokens = Tokens(settings.secret_key, settings.token_max_age)
    bars = Bars(database)
    fetcher = Fetcher(settings)
    issuers = Issuers(database, fetcher, settings.secret_key)
    sign_on = SignOn(issuers, KeySets(fetcher))
    moderation_log = ModerationLog(settings.secret_key, settings.moderation_log_heads)
    bans = Bans(database, bars, moderation_log)
    signed_on = SignedOn(database, bars, sign_on, bans.meet)
    callers = Callers(settings, tokens, bars, NetworkKeys(database, settings.network_key_days), signed_on)
    sites = Sites(database, settings.secret_key, settings.tracking_parameters)
    app.extensions["engagement.sites"] = sites
    staff = Staff(database, moderation_log)
    staff_callers = StaffCallers(sites, staff.tokens, StaffSignOn(database, sign_on).member)
    people = Readers(database, tokens)
    moods = Reactions(hot, pages, database, sites, limits)
    threads = Comments(database, hot, pages, sites, settings.edit_window)
    rules = Rules(settings.comment_max_length, settings.edit_window, settings.nesting)
    seal = Seal(settings.secret_key)
    policies, known = Policies(database), KnownRules(database, seal)
    scorers = HttpScorers(Fetcher(settings, timeout=SCORER_TIMEOUT))
    judge = Judging(
        database, policies, known, limits, moderation_log, Turns(hot), settings.secret_key, scorers
    )
    writing = Writing(database, hot, pages, sites, limits, rules, judge)
    app.extensions["engagement.writing"] = writing
    app.extensions["engagement.comments"] = threads

    http.init_app(app, settings.body_max_bytes, lambda: database.breaker.is_open)
    health.init_app(app, hot, database, settings.metrics_dir)
    origins.init_app(app, sites)
    plain_pages.init_app(app)
    footer = Footer(hot, pages, sites, moods, threads, people, policies)
    reading = Reading(footer, threads)
    posting = Posting(people, sites, writing, limits, settings.comment_max_length)
    effects = Effects(pages, hot)
    sign_on_issuers = SignOnIssuers(database, issuers, moderation_log)
    queue, claims = Queue(database), Claims(database)
    decisions = Decisions(database, effects, moderation_log)
    files = ReaderFiles(database, moderation_log)
    reports = Reports(database, sites, limits, policies, effects, moderation_log)
    stating = Stating(database)
    appeals = Appeals(database, limits, bars, effects, moderation_log)
    policy_changes = PolicyChanges(database, policies, moderation_log)
    rule_changes, previews = RuleChanges(database, known, moderation_log, seal), Previews(database)
    api = openapi.init_app(app)
    for blueprint in (
        footer_api.blueprint(settings, sites, footer, callers),
        reactions_api.blueprint(settings, sites, moods, callers),
        comments_api.blueprint(settings, sites, threads, writing, callers),
        counts_api.blueprint(settings, sites, Counts(pages, sites, moods)),
        readers_api.blueprint(
            sites,
            people,
            callers,
            limits,
            Exports(database, hot),
            Erasures(database, bars, settings.erase_choices),
        ),
        plain_api.blueprint(settings, sites, reading, Feeds(Newest(database), sites)),
        discussion_api.blueprint(Answers(settings, sites, reading, posting, callers)),
        staff_api.blueprint(staff, staff_callers),
        articles_api.blueprint(database, hot, sites, staff_callers),
        issuers_api.blueprint(sign_on_issuers, staff_callers),
        queue_api.blueprint(sites, queue, claims, staff_callers),
        decisions_api.blueprint(decisions, staff_callers),
        policy_api.blueprint(sites, policy_changes, staff_callers),
        rules_api.blueprint(rule_changes, previews, staff_callers),
        readers_admin_api.blueprint(bans, files, staff_callers),
        reports_api.blueprint(sites, reports, callers),
        appeals_api.blueprint(sites, stating, appeals, callers, staff_callers),
        figures_api.blueprint(Figures(database), staff_callers),
        log_api.blueprint(Entries(database), staff_callers),
    ):
        api.register_blueprint(blueprint)
    app.register_blueprint(web_pages)
    sessions = Sessions(database, settings.console_idle, settings.console_max_age)
    console = Services(
        settings=settings,
        database=database,
        sites=sites,
        staff=staff,
        callers=staff_callers,
        sessions=sessions,
        links=Links(database),
        guard=Guard(settings, sessions),
        queue=queue,
        claims=claims,
        decisions=decisions,
        policy_changes=policy_changes,
        entries=Entries(database),
        figures=Figures(database),
        rule_changes=rule_changes,
        previews=previews,
        bans=bans,
        files=files,
        reader_search=ReaderSearch(database),
        appeals=appeals,
        stating=stating,
        waiting=Waiting(database),
        issuers=sign_on_issuers,
    )
    app.register_blueprint(console_pages.blueprint(console))
    return app
