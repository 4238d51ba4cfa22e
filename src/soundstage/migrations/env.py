"""How Alembic runs the steps: in the transaction that `kit.database` opened."""

from alembic import context

from soundstage.kit.database import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite changes tables by making them anew.
    render_as_batch=True,
)
context.run_migrations()
