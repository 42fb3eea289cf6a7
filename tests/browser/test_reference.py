"""The reading of an OpenAPI document, without a browser."""

from engagement.web.reference import Type, read_reference

SPEC = {
    "info": {"title": "An API", "version": "3"},
    "tags": [{"name": "votes", "description": "Votes."}, {"name": "unused"}],
    "paths": {
        "/c/{id}/vote": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "put": {
                "tags": ["votes"],
                "summary": "Vote",
                "parameters": [{"$ref": "#/components/parameters/trace"}],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Vote"}}}
                },
                "responses": {
                    "404": {"$ref": "#/components/responses/missing"},
                    "200": {
                        "description": "OK",
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Vote"}}
                            }
                        },
                    },
                },
            },
        },
        "/untagged": {"get": {"responses": {"default": {"$ref": "#/components/responses/lost"}}}},
    },
    "components": {
        "parameters": {
            "trace": {"name": "trace", "in": "header", "schema": {"type": "string", "maxLength": 9}}
        },
        "responses": {"missing": {"description": "No such comment."}},
        "schemas": {
            "Vote": {
                "required": ["value"],
                "properties": {
                    "value": {"enum": [1, 0, None], "description": "Which way."},
                    "by": {"oneOf": [{"$ref": "#/components/schemas/Reader"}, {"type": "null"}]},
                    "at": {"type": ["string", "null"], "format": "date-time"},
                    "all": {"type": "object", "additionalProperties": {"type": "integer"}},
                    "kind": {"const": "vote"},
                },
            },
            "Reader": {
                "allOf": [{"$ref": "#/components/schemas/Named"}],
                "properties": {"id": {"type": "integer"}},
            },
            "Named": {"properties": {"name": {"type": "string"}}},
            "Loop": {"allOf": [{"$ref": "#/components/schemas/Endless"}]},
            "Endless": {"$ref": "#/components/schemas/Endless"},
        },
    },
}


def test_calls_are_grouped_by_tag_and_untagged_ones_are_not_lost() -> None:
    groups = read_reference(SPEC).groups
    assert [(group.name, len(group.operations)) for group in groups] == [("votes", 1), ("Other", 1)]


def test_references_are_followed_and_answers_stand_in_order() -> None:
    (vote,) = read_reference(SPEC).groups[0].operations
    assert [(each.name, each.where, each.required, each.limits) for each in vote.parameters] == [
        ("id", "path", True, ""),
        ("trace", "header", False, "length to 9"),
    ]
    assert [answer.status for answer in vote.good] == ["200"]
    assert vote.good[0].bodies[0].type == Type("list of ", "Vote", "")
    assert [(answer.status, answer.description) for answer in vote.problems] == [("404", "No such comment.")]


def test_types_are_told_in_words_with_a_link() -> None:
    (vote,) = read_reference(SPEC).groups[0].operations
    assert {field.name: field.type for field in vote.bodies[0].fields} == {
        "value": Type("one of 1, 0, null"),
        "by": Type("", "Reader", " or null"),
        "at": Type("string (date-time) or null"),
        "all": Type("object of integer"),
        "kind": Type("always vote"),
    }


def test_inherited_members_are_told_and_circles_and_dead_ends_are_survived() -> None:
    schemas = {schema.name: schema.body for schema in read_reference(SPEC).schemas}
    assert [field.name for field in schemas["Reader"].fields] == ["name", "id"]
    assert schemas["Loop"].fields == ()
