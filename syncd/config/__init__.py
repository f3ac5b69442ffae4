"""`syncd.toml`: reading, validation as a whole, and the settings that come out."""

from __future__ import annotations

from syncd.config.loading import database_url, load
from syncd.config.problem import ConfigErrors, Problem
from syncd.config.settings import (
    BillingSettings,
    ConnectionSettings,
    Settings,
    UnavailableConnection,
)

__all__ = [
    "BillingSettings",
    "ConfigErrors",
    "ConnectionSettings",
    "Problem",
    "Settings",
    "UnavailableConnection",
    "database_url",
    "load",
]
