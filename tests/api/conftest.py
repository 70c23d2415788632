"""The served company of the HTTP tests."""

from __future__ import annotations

from tests.api.http_service import service

__all__ = ["service"]
