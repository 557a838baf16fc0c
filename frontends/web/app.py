"""The web application: health, metrics, and what is offered to other programs."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from frontends.web.exposition import exposed
from frontends.web.exposure import allowed_hosts
from frontends.web.guard import Guard
from frontends.web.health import readiness_json, report_json
from services.observability.health import Health
from services.observability.metrics import Metrics
from services.settings import WebSettings


def create_app(
    web: WebSettings,
    *,
    health: Health,
    metrics: Metrics,
    version: str,
    mcp: ASGIApp | None = None,
) -> FastAPI:
    """Return the application; it offers no documentation pages and allows no other origins.

    ``mcp`` is what answers at ``/mcp``; it looks after who may use it itself.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> Response:
        return JSONResponse({"status": "alive"})

    @app.get("/readyz")
    async def readyz() -> Response:
        found = readiness_json(await health.check())
        return JSONResponse(found, status_code=200 if found["ready"] else 503)

    @app.get("/health")
    async def report() -> Response:
        return JSONResponse(report_json(health.report(), version=version))

    @app.get("/metrics")
    async def measured() -> Response:
        return Response(await exposed(metrics), media_type=CONTENT_TYPE_LATEST)

    if mcp is not None:
        app.router.routes.append(Route("/mcp", mcp, methods=["POST"]))
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _failed)
    token = web.token.get_secret_value() if web.token is not None else None
    app.add_middleware(Guard, hosts=allowed_hosts(web), token=token)
    return app


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return await _failed(_, error)
    return JSONResponse(
        {"error": error.detail}, status_code=error.status_code, headers=error.headers
    )


async def _failed(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": "internal error; see the log"}, status_code=500)
