"""How Alembic reaches the database: the connection that `engagement.db.migrate` hands over."""

from alembic import context

from engagement.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
