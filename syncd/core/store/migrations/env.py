"""Alembic's entry: runs the scripts on the connection that `schema.py` opened.

All scripts of one upgrade share that connection's transaction, on SQLite too.
"""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import TypeDecorator

from syncd.core.store.tables import metadata


def _plain_types(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Scripts name the database's own types, so that they outlive this program's classes."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{type(item.impl).__name__}()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
    compare_type=True,
    render_item=_plain_types,
)
with context.begin_transaction():
    context.run_migrations()
