"""Run migrations inside the connection that ``vltflow.store.migrate`` hands over."""

from alembic import context

from vltflow.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
