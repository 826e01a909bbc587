"""What Alembic runs: each revision in its own transaction, on the connection it is given."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema="talktime",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
