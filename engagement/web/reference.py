"""An OpenAPI 3.1 document turned into what the page `/docs` prints. Pure: no I/O, no Flask."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Spec: TypeAlias = Mapping[str, Any]

METHODS = ("get", "put", "post", "patch", "delete", "options", "head")
LIMITS = (
    ("minLength", "length from {}"),
    ("maxLength", "length to {}"),
    ("minimum", "from {}"),
    ("maximum", "to {}"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("pattern", "pattern {}"),
    ("default", "default {}"),
)


@dataclass(frozen=True, slots=True)
class Type:
    """A type in words around at most one link to a named schema: ``before`` link ``after``."""

    before: str = ""
    link: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a table: a parameter (with ``where``) or a member of an object."""

    name: str
    type: Type
    description: str
    limits: str
    required: bool
    deprecated: bool
    where: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """What a request or an answer carries, for one media type."""

    media: str
    type: Type
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One status an operation may answer."""

    status: str
    description: str
    bodies: tuple[Body, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One call."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    deprecated: bool
    parameters: tuple[Field, ...]
    bodies: tuple[Body, ...]
    answers: tuple[Answer, ...]

    @property
    def good(self) -> tuple[Answer, ...]:
        """The answers of a call that went well, redirects among them."""
        return tuple(answer for answer in self.answers if answer.status[0] in "123")

    @property
    def problems(self) -> tuple[Answer, ...]:
        """All the others: 4xx, 5xx, and what "default" stands for."""
        return tuple(answer for answer in self.answers if answer.status[0] not in "123")


@dataclass(frozen=True, slots=True)
class Group:
    """The calls of one tag."""

    name: str
    description: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """A named schema of ``components/schemas``."""

    name: str
    description: str
    body: Body


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole page."""

    title: str
    version: str
    description: str
    groups: tuple[Group, ...]
    schemas: tuple[Schema, ...]


def read_reference(spec: Spec) -> Reference:
    """Everything the page prints of ``spec``; parts that are missing are left out, never an error."""
    about = spec.get("info", {})
    return Reference(
        title=about.get("title", "API"),
        version=about.get("version", ""),
        description=about.get("description", ""),
        groups=tuple(_groups(spec)),
        schemas=tuple(
            Schema(name, schema.get("description", ""), _body(spec, "", schema, follow=False))
            for name, schema in sorted(spec.get("components", {}).get("schemas", {}).items())
        ),
    )


def _groups(spec: Spec) -> Iterator[Group]:
    described = {tag["name"]: tag.get("description") or "" for tag in spec.get("tags", ())}
    calls: dict[str, list[Operation]] = {name: [] for name in described}
    for path, item in spec.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                tag = next(iter(item[method].get("tags", ())), "Other")
                calls.setdefault(tag, []).append(_operation(spec, path, method, item))
    for name, operations in calls.items():
        if operations:
            yield Group(name, described.get(name, ""), tuple(operations))


def _operation(spec: Spec, path: str, method: str, item: Spec) -> Operation:
    call = item[method]
    parameters = {
        (each["in"], each["name"]): each
        for each in (
            _resolve(spec, one) for one in (*item.get("parameters", ()), *call.get("parameters", ()))
        )
    }
    answers = sorted(
        ((str(status), _resolve(spec, each)) for status, each in call.get("responses", {}).items()),
        key=_status,
    )
    return Operation(
        anchor=re.sub(r"[^a-z0-9]+", "-", f"{method}{path}".lower()).strip("-"),
        method=method.upper(),
        path=path,
        summary=call.get("summary", ""),
        description=call.get("description", ""),
        deprecated=call.get("deprecated", False),
        parameters=tuple(_parameter(spec, each) for each in parameters.values()),
        bodies=_bodies(spec, _resolve(spec, call.get("requestBody", {}))),
        answers=tuple(
            Answer(status, answer.get("description", ""), _bodies(spec, answer)) for status, answer in answers
        ),
    )


def _status(answer: tuple[str, Spec]) -> str:
    return answer[0]


def _parameter(spec: Spec, parameter: Spec) -> Field:
    schema = parameter.get("schema", {})
    return Field(
        name=parameter["name"],
        type=_type(schema),
        description=parameter.get("description") or _resolve(spec, schema).get("description", ""),
        limits=_limits(schema),
        required=parameter.get("required", False),
        deprecated=parameter.get("deprecated", False),
        where=parameter["in"],
    )


def _bodies(spec: Spec, holder: Spec) -> tuple[Body, ...]:
    content = holder.get("content", {})
    return tuple(_body(spec, media, held.get("schema", {}), follow=True) for media, held in content.items())


def _body(spec: Spec, media: str, schema: Spec, *, follow: bool) -> Body:
    shape = _resolve(spec, schema) if follow else schema
    return Body(media, _type(schema), tuple(_members(spec, shape)))


def _members(spec: Spec, schema: Spec) -> Iterator[Field]:
    for part in schema.get("allOf", ()):
        yield from _members(spec, _resolve(spec, part))
    required = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        yield Field(
            name=name,
            type=_type(member),
            description=member.get("description", ""),
            limits=_limits(member),
            required=name in required,
            deprecated=member.get("deprecated", False),
        )


def _resolve(spec: Spec, part: Spec) -> Spec:
    """Follow ``$ref`` inside the document; one that leads nowhere is an empty object."""
    found: Any = part
    for _ in range(8):
        reference = found.get("$ref")
        if reference is None:
            return found  # type: ignore[no-any-return]
        found = spec
        for step in reference.removeprefix("#/").split("/"):
            found = found.get(step.replace("~1", "/").replace("~0", "~"), {})
    return {}


def _type(schema: Spec) -> Type:
    """Say a schema in a few words: ``list of Comment or null``, ``one of "up", "down"``."""
    if "$ref" in schema:
        return Type(link=schema["$ref"].rsplit("/", 1)[-1])
    for key in ("oneOf", "anyOf", "allOf"):
        if schema.get(key):
            return _joined([_type(part) for part in schema[key]])
    if "enum" in schema:
        values = ", ".join("null" if value is None else str(value) for value in schema["enum"])
        return Type(f"one of {values}")
    if "const" in schema:
        return Type(f"always {schema['const']}")
    kinds = schema.get("type", "object" if "properties" in schema else "any")
    names = [kinds] if isinstance(kinds, str) else list(kinds)
    return _joined([_named(schema, name) for name in names])


def _named(schema: Spec, name: str) -> Type:
    if name == "array":
        items = _type(schema.get("items", {}))
        return Type(f"list of {items.before}", items.link, items.after)
    if name == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        values = _type(schema["additionalProperties"])
        return Type(f"object of {values.before}", values.link, values.after)
    return Type(f"{name} ({schema['format']})" if "format" in schema and name != "null" else name)


def _joined(types: list[Type]) -> Type:
    """Join with "or", keeping the first link; a later named schema is named without one."""
    before, link, after = "", "", ""
    for at, each in enumerate(types):
        word = " or " if at else ""
        if each.link and not link:
            before, link, after = before + word + each.before, each.link, each.after
        elif link:
            after += word + each.before + each.link + each.after
        else:
            before += word + each.before
    return Type(before, link, after)


def _limits(schema: Spec) -> str:
    return ", ".join(words.format(schema[key]) for key, words in LIMITS if key in schema)
