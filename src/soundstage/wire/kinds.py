"""Reads what a shape's members are: types without their trimmings, and which must be given.

Whatever is made of the shapes asks here: the service model, the OpenAPI document, the command line,
and the complaints about an input.
"""

import ast
import inspect
import textwrap
from functools import cache, partial
from itertools import pairwise
from typing import Any

from msgspec import NODEFAULT
from msgspec import inspect as types

from soundstage.wire.shapes import SENSITIVE


def bare(kind: types.Type) -> tuple[types.Type, bool]:
    """Take off annotations and the possibility of null; say whether a mark said "sensitive"."""
    sensitive = False
    while True:
        if isinstance(kind, types.Metadata):
            sensitive = sensitive or (kind.extra or {}).items() >= SENSITIVE.items()
            kind = kind.type
        elif isinstance(kind, types.UnionType):
            kind = next(item for item in kind.types if not isinstance(item, types.NoneType))
        else:
            return kind, sensitive


def may_be_null(kind: types.Type) -> bool:
    """Reports whether null may stand for a value of this type."""
    while isinstance(kind, types.Metadata):
        kind = kind.type
    if isinstance(kind, types.UnionType):
        return any(may_be_null(item) for item in kind.types)
    return isinstance(kind, types.NoneType)


def is_required(field: types.Field) -> bool:
    """Reports whether the member must be given."""
    return field.default is NODEFAULT and field.default_factory is NODEFAULT


def paragraphs(thing: Any) -> list[str]:
    """Give the docstring of a class or a function, a paragraph each, without its line breaks."""
    if isinstance(thing, partial):
        # Its own docstring is about partial functions.
        thing = thing.func
    text = inspect.cleandoc(thing.__doc__ or "")
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


@cache
def member_texts(shape: type) -> dict[str, str]:
    """Give what stands under each member in the shape's source, by the member's Python name."""
    (described,) = ast.parse(textwrap.dedent(inspect.getsource(shape))).body
    if not isinstance(described, ast.ClassDef):
        raise TypeError(f"{shape.__name__} is no class.")
    texts = {}
    for member, under in pairwise(described.body):
        match member, under:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                texts[name] = " ".join(text.split())
    return texts
