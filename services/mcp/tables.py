"""The tables of the servers whose tools are used."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, PrimaryKeyConstraint, String, Table

from services.storage.tables import UtcDateTime, metadata

mcp_servers = Table(
    "mcp_servers",
    metadata,
    Column("name", String, primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("approved_at", UtcDateTime),
)

mcp_pins = Table(
    "mcp_pins",
    metadata,
    Column("server", String, nullable=False),
    Column("tool", String, nullable=False),
    Column("digest", String, nullable=False),
    PrimaryKeyConstraint("server", "tool"),
)
