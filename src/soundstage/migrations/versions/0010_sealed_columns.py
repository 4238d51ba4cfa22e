"""What may be a secret is sealed: components' parameters, scripts and configuration, and the
answers that are kept for client tokens, which repeat them.

Not safe beside the previous release, which reads neither of the two tables any more: it answers
requests for components, and those with a client token, with an error of its own. It can't write
anything unsealed, so nothing is lost; end it first. Everything else goes on beside it.
"""

from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from soundstage.kit.sealed import seal_of

revision = "0010"
down_revision = "0009"

_SEALED = {
    "configuration": True,
    "initialization_scripts": False,
    "script_parameters": False,
    "wished": True,
}
"""The columns of components, and whether each may be NULL."""


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("components") as batch_op:
        for name, may_be_null in _SEALED.items():
            batch_op.alter_column(
                name, existing_type=sa.JSON(), type_=sa.Text(), existing_nullable=may_be_null
            )
    _seal_components()
    with op.batch_alter_table("client_tokens") as batch_op:
        batch_op.add_column(sa.Column("kept", sa.Text(), nullable=True))
    _seal_answers()
    with op.batch_alter_table("client_tokens") as batch_op:
        for name in ("digest", "status", "body"):
            batch_op.drop_column(name)


def _seal_components() -> None:
    table = sa.table("components", sa.column("id"), *(sa.column(name) for name in _SEALED))
    bind = op.get_bind()
    for row in bind.execute(table.select()).mappings().all():
        seal = seal_of(bind.dialect)
        sealed = {name: seal.close(row[name]) for name in _SEALED if row[name] is not None}
        bind.execute(table.update().where(table.c.id == row["id"]).values(sealed))


def _seal_answers() -> None:
    key = ("principal_id", "operation", "studio_id", "token")
    kept = ("digest", "status", "body")
    table = sa.table("client_tokens", *(sa.column(name) for name in (*key, *kept, "kept")))
    bind = op.get_bind()
    for row in bind.execute(table.select()).mappings().all():
        document: dict[str, Any] = {name: row[name] for name in kept}
        sealed = seal_of(bind.dialect).close(msgspec.json.encode(document).decode())
        is_it = [table.c[name] == row[name] for name in key]
        bind.execute(table.update().where(*is_it).values(kept=sealed))
