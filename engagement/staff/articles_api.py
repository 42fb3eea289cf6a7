"""`/v1/{site}/admin/articles/{article}`: the publisher's back end puts articles, and reads them."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from flask.views import MethodView

from engagement.db.engine import Database
from engagement.errors import NotFound
from engagement.hot.connection import Hot
from engagement.http import private
from engagement.openapi import StrictBlueprint, may_answer
from engagement.sites.aliases import listed
from engagement.sites.publishing import SECTION_LENGTH, TITLE_LENGTH, URL_LENGTH, put_article
from engagement.sites.service import Sites
from engagement.staff.caller import StaffCallers
from engagement.staff.roles import ARTICLES


class ArticleChangeSchema(ma.Schema):
    """What is told of an article; what is left out stays as it is."""

    url = ma.fields.String(validate=ma.validate.Length(max=URL_LENGTH))
    title = ma.fields.String(validate=ma.validate.Length(min=1, max=TITLE_LENGTH))
    section = ma.fields.String(validate=ma.validate.Length(min=1, max=SECTION_LENGTH))
    comments_open = ma.fields.Boolean()
    reactions_open = ma.fields.Boolean()


class PutArticleSchema(ma.Schema):
    """An article as its publisher knows it."""

    id = ma.fields.String(required=True)
    url = ma.fields.String(required=True, allow_none=True)
    title = ma.fields.String(required=True, allow_none=True)
    section = ma.fields.String(required=True, allow_none=True)
    comments_open = ma.fields.Boolean(required=True)
    reactions_open = ma.fields.Boolean(required=True)
    aliases = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "Other names that stand for it, the oldest first"},
    )


def blueprint(database: Database, hot: Hot, sites: Sites, callers: StaffCallers) -> StrictBlueprint:
    """The call, over these services."""
    blp = StrictBlueprint("articles", __name__, description="Articles, as their publisher puts them")

    def told(key: str, name: str) -> Response:
        found = sites.find(key, name)
        if found is None:
            raise NotFound("There is no such article.")
        return private(
            {
                "id": found.external_id,
                "url": found.url,
                "title": found.title,
                "section": found.section,
                "comments_open": found.comments_open,
                "reactions_open": found.reactions_open,
                "aliases": [other for other, _, _ in listed(database, key, found.external_id)],
            }
        )

    @blp.route("/v1/<site>/admin/articles/<article>")
    class OneArticle(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 422, 503)
        @blp.response(200, PutArticleSchema)
        def get(self, site: str, article: str) -> Response:
            """An article as it was put, and its other names."""
            key, _ = callers.on(site, ARTICLES)
            return told(key, sites.article_of_segment(key, article))

        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 413, 415, 422, 503)
        @blp.arguments(ArticleChangeSchema)
        @blp.response(200, PutArticleSchema)
        def put(self, body: dict[str, Any], site: str, article: str) -> Response:
            """Make an article, or change what is given of it; it holds at once."""
            key, _ = callers.on(site, ARTICLES)
            name = sites.article_of_segment(key, article)
            put_article(database, hot, key, name, **body)
            sites.forget(key, name)
            return told(key, name)

    return blp
