"""The page that describes the API; its scripts and styles come from this service, not from the internet."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles

DOCS: Final = "/v1/docs"
ASSETS: Final = "/v1/docs/assets"
OPENAPI: Final = "/v1/openapi.json"

_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; frame-ancestors 'none'"
)


def add_documentation(app: FastAPI) -> None:
    """Serve the page at `DOCS`; the assets are those that the package fastapi_offline brings."""
    folder = Path(str(files("fastapi_offline"))) / "static"
    app.mount(ASSETS, StaticFiles(directory=folder), name="assets")

    @app.get(DOCS, include_in_schema=False)
    def documentation() -> Response:
        page = get_swagger_ui_html(
            openapi_url=OPENAPI,
            title="redress: API",
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS}/favicon.png",
            swagger_ui_parameters={"persistAuthorization": False, "docExpansion": "none", "filter": True},
        )
        page.headers["Content-Security-Policy"] = _POLICY
        return page
