"""The outermost layer: bodies that are too large, slashes in keys, and what nobody thought of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.bodies import SLASH
from api.problems import on_unexpected

_ENCODED_SLASH: Final = re.compile(rb"%2f", re.IGNORECASE)
_KEPT: Final = SLASH.encode()
_NONE: Final[Mapping[str, int]] = {}


class Edge:
    """Refuses bodies of more than *largest* bytes, or what *larger* says for a path, and turns unexpected
    errors into problems before the server would write all of their text into its log."""

    def __init__(self, app: ASGIApp, largest: int, larger: Mapping[str, int] = _NONE) -> None:
        self._app: Final = app
        self._largest: Final = largest
        self._larger: Final = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def noticing(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            most = self._larger.get(scope["path"], self._largest)
            await self._app(_with_slashes_kept(scope), self._counted(receive, most), noticing)
        except Exception as error:
            response = on_unexpected(Request(scope), error)
            if has_begun:
                raise
            await response(scope, receive, send)

    def _counted(self, receive: Receive, left: int) -> Receive:

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413)  # whoever reads the body lets it pass, up to the problems' handler
            return message

        return counted


def _with_slashes_kept(scope: Scope) -> Scope:
    """*scope*, in whose path an encoded slash does not part one key into two."""
    raw: bytes = scope.get("raw_path") or b""
    if not _ENCODED_SLASH.search(raw):
        return scope
    return {**scope, "path": unquote(_ENCODED_SLASH.sub(_KEPT, raw))}
