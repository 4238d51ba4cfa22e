"""The operation table says of every operation what the last public SDK's model says.

Names, methods, paths, statuses, where members travel, which are required, their types and limits,
what answers hold, pages and idempotency tokens. Every difference is one line of the failure.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import pytest
from msgspec import NODEFAULT, Meta, defstruct, inspect
from msgspec.structs import replace

from soundstage.api.routes import Routes
from soundstage.kit.database import Database, sqlite_url
from soundstage.resources.operations import OPERATIONS
from soundstage.testing.additions import ADDED_OPERATIONS, is_added
from soundstage.testing.clients import ensure_boto3, model_of_boto3
from soundstage.testing.small_studio import SEAL, SmallStudio
from soundstage.wire.binding import TOKEN_MEMBER
from soundstage.wire.operation import BASE_PATH, TOKEN_HEADER, Grant, Operation, Permission
from soundstage.wire.shapes import Empty, OneOf, Shape

ROOT = Path(__file__).parents[2]
Document = dict[str, Any]

WITHOUT_MODEL: frozenset[str] = frozenset(ADDED_OPERATIONS)
"""Operations that the public model never had."""

LENIENT: dict[str, str] = {
    "CreateStreamingSessionStream expirationInSeconds minimum": "older SDKs send 0 for absent",
}
"""Where an input takes more than the model says, and why."""


@pytest.fixture(scope="session")
def python() -> Path:
    return ensure_boto3(ROOT)


@pytest.fixture(scope="session")
def model(python: Path) -> Document:
    return model_of_boto3(python)


class Comparison:
    """Compares rows with one model; a difference is a sentence."""

    def __init__(self, model: Document) -> None:
        self.operations: Document = model["operations"]
        self.shapes: Document = model["shapes"]

    def row(self, row: Operation) -> Iterator[str]:
        if row.name not in self.operations:
            yield f"{row.name}: the model has no such operation"
            return
        operation = self.operations[row.name]
        http = operation["http"]
        for what, ours, theirs in (
            ("method", row.method, http["method"]),
            ("path", BASE_PATH + row.path, http["requestUri"]),
            ("status", row.status, http.get("responseCode", 200)),
        ):
            if ours != theirs:
                yield f"{row.name} {what}: {ours}, not {theirs}"
        given = self.shapes[operation["input"]["shape"]]
        yield from self.locations(row, given)
        yield from self.structure(row.name, inspect.type_info(row.input), given, is_input=True)
        answer: Document = {"type": "structure", "members": {}}
        if "output" in operation:
            answer = self.shapes[operation["output"]["shape"]]
        yield from self.structure(
            f"{row.name} answer", inspect.type_info(row.output), answer, is_input=False
        )

    def locations(self, row: Operation, given: Document) -> Iterator[str]:
        in_query = row.method in {"GET", "DELETE"}
        for name, member in given["members"].items():
            if name in row.labels:
                ours = ("uri", name)
            elif name == TOKEN_MEMBER:
                ours = ("header", TOKEN_HEADER)
                if not member.get("idempotencyToken"):
                    yield f"{row.name} {name}: not the model's idempotency token"
            else:
                ours = ("querystring" if in_query else "body", name)
            theirs = (member.get("location", "body"), member.get("locationName", name))
            if ours != theirs:
                yield f"{row.name} {name}: travels as {ours}, not {theirs}"

    def structure(
        self, where: str, kind: inspect.Type, shape: Document, *, is_input: bool
    ) -> Iterator[str]:
        if not isinstance(kind, inspect.StructType):
            yield f"{where}: {type(kind).__name__}, not a structure"
            return
        fields = {field.encode_name: field for field in kind.fields}
        members = shape["members"]
        for name in sorted(members.keys() - fields.keys()):
            yield f"{where} {name}: missing"
        for name in sorted(fields.keys() - members.keys()):
            if not is_added(f"{where} {name}"):
                yield f"{where} {name}: not in the model"
        if is_input:
            ours = {name for name, field in fields.items() if _is_required(field)}
            theirs = set(shape.get("required", ()))
            for name in sorted(ours ^ theirs):
                yield f"{where} {name}: {'required' if name in ours else 'optional'} here only"
        if bool(shape.get("union")) != issubclass(kind.cls, OneOf):
            yield f"{where}: a union on one side only"
        for name in sorted(members.keys() & fields.keys()):
            yield from self.value(
                f"{where} {name}",
                fields[name].type,
                self.shapes[members[name]["shape"]],
                is_input=is_input,
            )

    def value(
        self, where: str, kind: inspect.Type, shape: Document, *, is_input: bool
    ) -> Iterator[str]:
        kind = _bare(kind)
        expected: dict[str, tuple[type, ...]] = {
            "string": (inspect.EnumType, inspect.LiteralType)
            if "enum" in shape
            else (inspect.StrType, inspect.LiteralType),
            "integer": (inspect.IntType,),
            "boolean": (inspect.BoolType,),
            "timestamp": (inspect.DateTimeType,),
            "list": (inspect.ListType,),
            "map": (inspect.DictType,),
            "structure": (inspect.StructType,),
        }
        if not isinstance(kind, expected[shape["type"]]):
            wanted = shape["type"] + (" enum" if "enum" in shape else "")
            yield f"{where}: {type(kind).__name__}, not {wanted}"
            return
        if is_input:
            yield from _limits(where, kind, shape)
        if "enum" in shape and _values(kind) != set(shape["enum"]):
            yield f"{where}: values {sorted(_values(kind) ^ set(shape['enum']))} on one side only"
        if isinstance(kind, inspect.StructType):
            yield from self.structure(where, kind, shape, is_input=is_input)
        if isinstance(kind, inspect.ListType):
            item = self.shapes[shape["member"]["shape"]]
            yield from self.value(f"{where}[]", kind.item_type, item, is_input=is_input)
        if isinstance(kind, inspect.DictType):
            item = self.shapes[shape["value"]["shape"]]
            yield from self.value(f"{where}{{}}", kind.value_type, item, is_input=is_input)


def _limits(where: str, kind: inspect.Type, shape: Document) -> Iterator[str]:
    """Compare minimum, maximum and pattern; a minimum of 0 for lengths is none."""
    if isinstance(kind, inspect.IntType):
        ours: Sequence[Any] = (kind.ge, kind.le, None)
    elif isinstance(kind, inspect.StrType):
        ours = (kind.min_length or None, kind.max_length, kind.pattern)
    elif isinstance(kind, inspect.ListType):
        ours = (kind.min_length or None, kind.max_length, None)
    else:
        return
    is_number = isinstance(kind, inspect.IntType)
    theirs = (
        shape.get("min") if is_number else shape.get("min") or None,
        shape.get("max"),
        shape.get("pattern"),
    )
    for what, mine, modelled in zip(("minimum", "maximum", "pattern"), ours, theirs, strict=True):
        if _comparable(mine) != _comparable(modelled) and f"{where} {what}" not in LENIENT:
            yield f"{where} {what}: {mine}, not {modelled}"


def _comparable(limit: Any) -> Any:
    # Python's `$` lets a last line break pass, the model's language does not.
    return re.sub(r"(\\Z|\$)(\)?)\Z", r"$\2", limit) if isinstance(limit, str) else limit


def _values(kind: inspect.Type) -> set[str]:
    if isinstance(kind, inspect.EnumType):
        return {str(item.value) for item in kind.cls}
    return {str(item) for item in kind.values} if isinstance(kind, inspect.LiteralType) else set()


def _bare(kind: inspect.Type) -> inspect.Type:
    while True:
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        elif isinstance(kind, inspect.UnionType):
            kind = next(item for item in kind.types if not isinstance(item, inspect.NoneType))
        else:
            return kind


def _is_required(field: inspect.Field) -> bool:
    return field.default is NODEFAULT and field.default_factory is NODEFAULT


def differences(model: Document, rows: Sequence[Operation]) -> list[str]:
    comparison = Comparison(model)
    modelled = [row for row in rows if row.name not in WITHOUT_MODEL]
    return [line for row in modelled for line in comparison.row(row)]


def test_the_table_is_not_empty_and_names_each_operation_once(model: Document) -> None:
    names = [row.name for row in OPERATIONS]
    assert names
    assert len(set(names)) == len(names)
    assert len(model["operations"]) == 49


def test_every_row_is_as_the_model_says(model: Document) -> None:
    found = differences(model, OPERATIONS)
    assert not found, f"{len(found)} differences from the public model:\n" + "\n".join(found)


def test_pages_are_where_the_sdk_s_paginators_look(python: Path) -> None:
    paginators = model_of_boto3(python, "paginators-1")["pagination"]
    ours = {row.name: row.paginates for row in OPERATIONS if row.name not in WITHOUT_MODEL}
    expected = {name: paginators.get(name, {}).get("result_key") for name in ours}
    assert ours == expected


def rows_of(model: Document) -> list[Operation]:
    """Make a row of each of the 49 operations, with the members' names and no types."""
    rows = []
    for name, operation in model["operations"].items():
        members = model["shapes"][operation["input"]["shape"]]["members"]
        fields = [(member, str | None, None) for member in members]
        given = defstruct(f"{name}Input", fields, bases=(Shape,), frozen=True, kw_only=True)
        rows.append(
            Operation(
                name=name,
                method=operation["http"]["method"],
                path=operation["http"]["requestUri"].removeprefix(BASE_PATH),
                input=cast("type[Shape]", given),
                output=Empty,
                permission=Permission(administrator=Grant.NEVER, user=Grant.NEVER),
                handler=print,
            )
        )
    return rows


def test_where_members_travel_follows_from_the_row_for_all_49(model: Document) -> None:
    comparison = Comparison(model)
    found = [
        line
        for row in rows_of(model)
        for line in comparison.locations(
            row, model["shapes"][model["operations"][row.name]["input"]["shape"]]
        )
    ]
    assert found == []


def test_all_49_have_a_route_of_their_own(model: Document) -> None:
    rows = rows_of(model)
    routes = Routes(rows)
    for row in rows:
        path = row.path
        for label in row.labels:
            path = path.replace(f"{{{label}}}", f"a%2Fb-{label}")
        match = routes.find(row.method, BASE_PATH + path)
        assert match.row.operation.name == row.name
        assert match.labels == {label: f"a/b-{label}" for label in row.labels}
    assert len(rows) == 49


class WrongInput(Shape, frozen=True, kw_only=True):
    """GetStreamingSession's, with a limit, a type and a member that the model does not have."""

    session_id: Annotated[str, Meta(max_length=5)]
    studio_id: int
    verbose: str | None = None


def test_differences_are_seen(model: Document, tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "tokens.sqlite"), SEAL)
    rows = {row.name: row for row in SmallStudio(database).operations()}
    database.dispose()
    small = differences(model, list(rows.values()))
    assert "GetStudio answer studio homeRegion: missing" in small
    assert "GetStudio answer studio state: StrType, not string enum" in small
    assert "ListLaunchProfiles states[]: StrType, not string enum" in small
    wrong = replace(
        rows["GetStreamingSession"], method="POST", path="/studios/{studioId}", input=WrongInput
    )
    lines = differences(model, [wrong])
    for sentence in (
        "method: POST, not GET",
        f"path: {BASE_PATH}/studios/{{studioId}}, not {BASE_PATH}{rows[wrong.name].path}",
        "sessionId: travels as ('body', 'sessionId'), not ('uri', 'sessionId')",
        "sessionId maximum: 5, not None",
        "studioId: IntType, not string",
        "verbose: not in the model",
    ):
        assert f"GetStreamingSession {sentence}" in lines
    assert differences(model, [replace(wrong, name="Nothing")]) == [
        "Nothing: the model has no such operation"
    ]
