"""The OpenAPI 3.1 document, drawn from the declarations of endpoints.

Belongs here: describing what ``endpoint`` declares and ``serving`` does. Does not belong here: anything said twice: what a
document tells of a body comes from its model, and what it tells of a fault from its class.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from openapi_pydantic import (
    Components,
    Info,
    OpenAPI,
    Operation,
    Parameter,
    PathItem,
    Reference,
    RequestBody,
    Response,
    SecurityScheme,
    Tag,
)
from openapi_pydantic.v3.v3_1.header import Header
from openapi_pydantic.v3.v3_1.media_type import MediaType
from pydantic import TypeAdapter

from server.edge.authentication import ACCESS_COOKIE
from server.edge.endpoint import Endpoint
from server.edge.parsing import MAX_ROW_ID
from server.edge.problem_schema import ProblemBody, example_of, name_of
from server.edge.wording import violation_codes, violation_message
from server.errors import MethodNotAllowed, Problem, TooMany, Unavailable

REF_TEMPLATE = "#/components/schemas/{model}"
Mode: TypeAlias = Literal["validation", "serialization"]

_RETRYING = (TooMany, Unavailable)
_ETAG = Header.model_validate(
    {"description": "Names what was answered", "schema": {"type": "string"}, "required": True}
)


def openapi_document(endpoints: Iterable[Endpoint], *, version: str) -> dict[str, Any]:
    """The document as JSON values; the same endpoints give the same document."""
    declared = sorted(endpoints, key=lambda endpoint: (endpoint.path, endpoint.method))
    schemas = _Schemas(declared)
    faults = sorted(
        {fault for endpoint in declared for fault in endpoint.all_faults} | {MethodNotAllowed}, key=name_of
    )
    paths: dict[str, PathItem] = {}
    for endpoint in declared:
        item = paths.setdefault(endpoint.path, PathItem())
        setattr(item, endpoint.method.lower(), _operation(endpoint, schemas))
    document = OpenAPI(
        info=Info(title="Baygrid", version=version, description=_DESCRIPTION),
        paths=paths,
        tags=[Tag(name=name) for name in sorted({endpoint.tag for endpoint in declared})],
        components=Components(
            responses={name_of(fault): _fault_response(fault) for fault in faults},
            securitySchemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", bearerFormat="JWT"),
                "cookie": SecurityScheme.model_validate(
                    {"type": "apiKey", "in": "cookie", "name": ACCESS_COOKIE}
                ),
            },
        ),
    )
    described: dict[str, Any] = document.model_dump(mode="json", by_alias=True, exclude_none=True)
    # As pydantic gives them: openapi-pydantic's schema would drop what means null (``"default": null``).
    described["components"]["schemas"] = schemas.definitions
    described["x-violations"] = {code: violation_message(code, {}) for code in violation_codes()}
    return described


_DESCRIPTION = """\
Instants go out as RFC 3339 in UTC; those that come in may leave out the offset where a location is named, and are then wall
time there. Faults are `application/problem+json`. Sign in at `/api/auth/login` and send the access token as `Authorization:
Bearer`, or use the cookie it sets; kiosks and support tools send the token or the API key that they were given in the same way. A request to a path with a method that it does not have is 405 with `Allow`; bodies are at
most 1 MiB; names that are not described are refused. Whatever is kept busy answers 503 with `Retry-After`."""


class _Schemas:
    """The schemas of all models, named once for the whole document, and references to them."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._types: list[tuple[TypeAdapter[Any], Mode]] = []
        self._names: dict[tuple[int, Mode], int] = {}
        self._kinds: list[Any] = []
        self._add(ProblemBody, "serialization")
        for endpoint in endpoints:
            if endpoint.body is not None:
                self._add(endpoint.body, "validation")
            for answer in endpoint.answers.values():
                if answer is not None:
                    self._add(answer, "serialization")
        found, definitions = TypeAdapter.json_schemas(
            [(index, mode, adapter) for index, (adapter, mode) in enumerate(self._types)],
            ref_template=REF_TEMPLATE,
        )
        self._schemas = {index: schema for (index, _), schema in found.items()}
        self.definitions: dict[str, Any] = definitions.get("$defs", {})

    def of(self, kind: Any, mode: Mode) -> dict[str, Any]:
        """The schema of a type, or a reference to it."""
        return dict(self._schemas[self._names[id(kind), mode]])

    def _add(self, kind: Any, mode: Mode) -> None:
        if (id(kind), mode) not in self._names:
            self._names[id(kind), mode] = len(self._types)
            self._kinds.append(kind)  # kept, so that its id stays its own
            self._types.append((TypeAdapter(kind), mode))


def _operation(endpoint: Endpoint, schemas: _Schemas) -> Operation:
    body = None
    if endpoint.body is not None:
        body = RequestBody(
            required=not endpoint.body_optional,
            content={
                endpoint.body_media_type: MediaType.model_validate(
                    {"schema": schemas.of(endpoint.body, "validation"), "example": endpoint.example}
                )
            },
        )
    return Operation(
        tags=[endpoint.tag],
        summary=endpoint.summary,
        description=endpoint.description or None,
        operationId=_operation_id(endpoint),
        parameters=[*_path_parameters(endpoint), *_query_parameters(endpoint), *_header_parameters(endpoint)]
        or None,
        requestBody=body,
        responses=_responses(endpoint, schemas),
        security=[{"bearer": []}, {"cookie": []}] if endpoint.signed_in else [],
    )


def _operation_id(endpoint: Endpoint) -> str:
    words = [word.strip("{}") for word in endpoint.path.strip("/").split("/")]
    return "_".join([endpoint.method.lower(), *words]).replace(".", "_").replace("-", "_")


def _path_parameters(endpoint: Endpoint) -> list[Parameter]:
    kinds: dict[Any, dict[str, Any]] = {
        int: {"type": "integer", "minimum": 1, "maximum": MAX_ROW_ID},
        uuid.UUID: {"type": "string", "format": "uuid"},
        str: {"type": "string"},
    }
    return [_parameter(name, "path", kinds[kind], required=True) for name, kind in endpoint.path_ids.items()]


def _query_parameters(endpoint: Endpoint) -> list[Parameter]:
    if endpoint.query is None:
        return []
    schema = endpoint.query.model_json_schema(mode="validation", ref_template=REF_TEMPLATE)
    required = schema.get("required", ())
    return [
        _parameter(
            name,
            "query",
            _inlined(_without_null(member), schema.get("$defs", {})),
            required=name in required,
            example=_example_of(endpoint, name),
        )
        for name, member in schema.get("properties", {}).items()
    ]


def _example_of(endpoint: Endpoint, name: str) -> Any:
    return endpoint.example.get(name) if isinstance(endpoint.example, Mapping) else None


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: a parameter that may be null is one that may be left out."""
    alternatives = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    kept = {key: value for key, value in schema.items() if key not in ("anyOf", "title")}
    if kept.get("default", ...) is None:
        del kept["default"]
    if len(alternatives) == 1:
        return {**alternatives[0], **kept}
    return {**kept, "anyOf": alternatives} if alternatives else kept


def _inlined(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    reference = schema.pop("$ref", None)
    return schema if reference is None else {**definitions[reference.rsplit("/", 1)[1]], **schema}


def _header_parameters(endpoint: Endpoint) -> list[Parameter]:
    parameters = []
    if "idempotency_key" in endpoint.takes:
        parameters.append(
            _parameter(
                "Idempotency-Key",
                "header",
                {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
                description="The same key again, for the same request, gives the first answer and changes nothing.",
            )
        )
    if "preconditions" in endpoint.takes:
        parameters.append(
            _parameter(
                "If-Match",
                "header",
                {"type": "string", "pattern": r'^(\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)$'},
                description="The ETag of what the caller has seen; 412 if it was changed since.",
            )
        )
    if endpoint.conditional:
        parameters.append(
            _parameter(
                "If-None-Match",
                "header",
                {"type": "string"},
                description="The ETag of what the caller has; 304 if it is still that.",
            )
        )
    if endpoint.signature is not None:
        parameters += [
            _parameter(name, "header", {"type": "string"}, required=True, description=description)
            for name, description in endpoint.signature.headers.items()
        ]
    return parameters


def _parameter(
    name: str,
    place: str,
    schema: dict[str, Any],
    *,
    required: bool = False,
    example: Any = None,
    description: str | None = None,
) -> Parameter:
    return Parameter.model_validate(
        {
            "name": name,
            "in": place,
            "required": required,
            "schema": schema,
            "example": example,
            "description": description or schema.get("description"),
        }
    )


def _responses(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Response | Reference]:
    responses: dict[str, Response | Reference] = {}
    for status, answer in endpoint.answers.items():
        content = None
        if answer is not None:
            content = {
                endpoint.media_type: MediaType.model_validate({"schema": schemas.of(answer, "serialization")})
            }
            if endpoint.also_as is not None:
                content[endpoint.also_as] = MediaType.model_validate({"schema": {"type": "string"}})
        headers = {"ETag": _ETAG} if endpoint.conditional else None
        responses[str(status)] = Response(description=endpoint.summary, content=content, headers=headers)
    if endpoint.conditional:
        responses["304"] = Response(description="It is still what the caller has", headers={"ETag": _ETAG})
    by_status: dict[int, list[type[Problem]]] = {}
    for fault in endpoint.all_faults:
        for status in _statuses(fault):
            by_status.setdefault(status, []).append(fault)
    for status, faults in by_status.items():
        if str(status) in responses:
            continue
        responses[str(status)] = (
            Reference.model_validate({"$ref": f"#/components/responses/{name_of(faults[0])}"})
            if len(faults) == 1
            else _fault_response(*faults)
        )
    return dict(sorted(responses.items()))


def _statuses(fault: type[Problem]) -> tuple[int, ...]:
    # A refusal is 409 or 422 (R15).
    return (409, 422) if fault.__name__ == "Refused" else (fault.status,)


def _fault_response(*faults: type[Problem]) -> Response:
    headers = {}
    if any(issubclass(fault, _RETRYING) for fault in faults):
        headers["Retry-After"] = Header.model_validate(
            {
                "description": "Seconds until it is worth another try",
                "schema": {"type": "integer"},
                "required": True,
            }
        )
    return Response.model_validate(
        {
            "description": "; ".join(fault.title for fault in faults),
            "headers": headers or None,
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": REF_TEMPLATE.format(model="ProblemBody")},
                    "examples": {name_of(fault): {"value": example_of(fault)} for fault in faults},
                }
            },
        }
    )
