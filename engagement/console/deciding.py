"""Decisions from the queue's page: on one comment, on those that were selected, and taken back."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request

from engagement.console.forms import as_id, field, number
from engagement.console.queue import back_to_queue
from engagement.console.services import Services
from engagement.console.showing import At, entered, is_part, show
from engagement.errors import Invalid, Outrun, Problem
from engagement.moderation.decisions.deciding import FLAGS, Wanted
from engagement.moderation.decisions.service import Done
from engagement.staff.roles import DECIDE


def add_deciding(pages: Blueprint, services: Services) -> None:
    """The routes."""
    guard = services.guard

    @pages.post("/<site>/comments/<uuid:comment>/decision")
    def decide(site: str, comment: UUID) -> Response:
        guard.check()
        at = entered(services, site, DECIDE)
        action, reason = _action()
        wanted = Wanted(
            comment,
            action,
            number("revision", field("revision")) or 0,
            reason=reason,
            note=field("note"),
            decision=as_id("decision", field("decision")),
        )
        try:
            done = services.decisions.decide(at.site.key, at.member, wanted)
        except Outrun as problem:
            return _outrun(at, problem)
        if not is_part():
            return back_to_queue(at, action)
        case = services.queue.one(at.site.key, comment, at.member) if action in FLAGS else None
        if case is not None:
            return show("answer.html", at, case=case, done=action, back=_back())
        extract = request.form.get("extract", "")
        return show("answer.html", at, made=done, extract=extract, done=action, reason=reason, back=_back())

    @pages.post("/<site>/decisions/<uuid:decision>/undo")
    def undo(site: str, decision: UUID) -> Response:
        guard.check()
        at = entered(services, site, DECIDE)
        try:
            done = services.decisions.undo(at.site.key, at.member, decision)
        except Outrun as problem:
            return _outrun(at, problem)
        if not is_part():
            return back_to_queue(at, "undo")
        case = services.queue.one(at.site.key, done.comment_id, at.member)
        return show("answer.html", at, case=case, done="undo", back=_back())

    @pages.post("/<site>/decisions")
    def decide_many(site: str) -> Response:
        """Of those that were selected: what was decided, and which were not and why."""
        guard.check()
        at = entered(services, site, DECIDE)
        action, reason = _action()
        wanted = [_wanted(text, action, reason, field("note")) for text in request.form.getlist("chosen")]
        if not wanted:
            raise Invalid(errors={"chosen": ["Select some comments first."]})
        done = services.decisions.decide_many(at.site.key, at.member, wanted)
        made = [each for each in done if each.problem is None]
        if not is_part():
            return back_to_queue(at, action)
        return show(
            "answers.html",
            at,
            answers=[_told(at, services, each) for each in done],
            made_count=len(made),
            done=action,
            failed=len(done) - len(made),
            reason=reason,
            back=_back(),
        )


def _action() -> tuple[str, str | None]:
    """Which button was pressed; `reject:abuse` is one with its reason. Raises `Invalid`."""
    action, _, reason = (field("action") or "").partition(":")
    if not action:
        raise Invalid(errors={"action": ["is needed"]})
    return action, reason or field("reason")


def _wanted(text: str, action: str, reason: str | None, note: str | None) -> Wanted:
    """A comment that was selected, as its box names it: id, revision and, where there is one, decision."""
    id, _, rest = text.partition(" ")
    revision, _, decision = rest.partition(" ")
    comment = as_id("chosen", id)
    if comment is None:
        raise Invalid(errors={"chosen": ["is not an id"]})
    seen = number("chosen", revision) or 0
    return Wanted(comment, action, seen, reason=reason, note=note, decision=as_id("chosen", decision))


def _told(at: At, services: Services, done: Done) -> tuple[Done, object]:
    """What became of one, with how the comment is now if nothing did."""
    if done.problem is None:
        return done, None
    present = getattr(done.problem, "present", None)
    if present is None:
        try:
            present = services.queue.one(at.site.key, done.comment_id, at.member)
        except Problem:
            present = None
    return done, present


def _outrun(at: At, problem: Outrun) -> Response:
    """It is not as it was seen: how it is now, in place."""
    if problem.present is None:
        raise problem
    if is_part():
        return show("answer.html", at, 409, case=problem.present, problem=problem, back=_back())
    return show("comment.html", at, 409, page="queue", case=problem.present, problem=problem, back=_back())


def _back() -> str:
    return request.form.get("back", "")
