"""Runs migrations on the connection that ``adapters/sql_migrate.py`` opened, inside its transaction.

It does not know where the database is; there is no command-line configuration.
"""

from alembic import context

from adapters.sql_schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
