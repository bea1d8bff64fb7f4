"""Files a browser may fetch: our own under `/static/`, the locked browser libraries under `/static/vendor/`.

Nothing is bundled and nothing comes from another host. A URL with `?v=` names the content and may be kept
for ever; one without is asked for again each time (modules import each other by plain path).
"""

import asyncio
import base64
import hashlib
import json
from functools import cache
from pathlib import Path

from aiohttp import web

from bosai.errors import NotFound

STATIC_DIR = Path(__file__).resolve().parent / "static"
NODE_MODULES = Path(__file__).resolve().parents[2] / "node_modules"

VENDOR: dict[str, str] = {
    "maplibre-gl/maplibre-gl.mjs": "maplibre-gl/dist/maplibre-gl.mjs",
    "maplibre-gl/maplibre-gl-worker.mjs": "maplibre-gl/dist/maplibre-gl-worker.mjs",
    "maplibre-gl/maplibre-gl-shared.mjs": "maplibre-gl/dist/maplibre-gl-shared.mjs",
    "maplibre-gl/maplibre-gl.css": "maplibre-gl/dist/maplibre-gl.css",
    "terra-draw/terra-draw.mjs": "terra-draw/dist/terra-draw.module.js",
    "terra-draw/adapter.mjs": "terra-draw-maplibre-gl-adapter/dist/terra-draw-maplibre-gl-adapter.module.js",
    "design-tokens/tokens.css": "@digital-go-jp/design-tokens/dist/tokens.css",
}

IMPORT_MAP = json.dumps(
    {
        "imports": {
            "maplibre-gl": "/static/vendor/maplibre-gl/maplibre-gl.mjs",
            "terra-draw": "/static/vendor/terra-draw/terra-draw.mjs",
            "terra-draw-maplibre-gl-adapter": "/static/vendor/terra-draw/adapter.mjs",
        }
    },
    separators=(",", ":"),
)
IMPORT_MAP_CSP_HASH = "sha256-" + base64.b64encode(hashlib.sha256(IMPORT_MAP.encode()).digest()).decode()
"""The only inline script of every page, allowed by its hash."""

_TYPES = {
    ".mjs": "text/javascript",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
    ".json": "application/json",
}
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


def file_of(path: str) -> Path:
    """The file behind `/static/<path>`; blocking. Raises NotFound for anything outside the two places."""
    if "\0" in path:
        raise NotFound("file", path.replace("\0", ""))
    if path.startswith("vendor/"):
        listed = VENDOR.get(path.removeprefix("vendor/"))
        if listed is None:
            raise NotFound("file", path)
        return NODE_MODULES / listed
    found = (STATIC_DIR / path).resolve()
    if not found.is_relative_to(STATIC_DIR) or not found.is_file() or found.suffix not in _TYPES:
        raise NotFound("file", path)
    return found


@cache
def asset(path: str) -> str:
    """`/static/<path>?v=<content hash>` for templates. Raises NotFound for a file of ours that is not there."""
    try:
        digest = hashlib.sha256(file_of(path).read_bytes()).hexdigest()[:10]
    except FileNotFoundError:  # a library that `npm ci` has not brought: pages work without a map
        return f"/static/{path}"
    return f"/static/{path}?v={digest}"


async def serve(request: web.Request) -> web.StreamResponse:
    """GET /static/…"""
    file = await asyncio.to_thread(file_of, request.match_info["path"])
    response = web.FileResponse(file)
    response.content_type = _TYPES[file.suffix]
    response.headers["Cache-Control"] = _FOREVER if "v" in request.query else _ASK_AGAIN
    return response


def own_files() -> list[str]:
    """Every file of ours as `asset` names it; blocking."""
    return sorted(
        found.relative_to(STATIC_DIR).as_posix() for found in STATIC_DIR.rglob("*") if found.suffix in _TYPES
    )


def missing_libraries() -> list[str]:
    """Listed library files that `npm ci` has not brought, for `bosai doctor` and a clear start-up error."""
    return sorted(path for path in VENDOR.values() if not (NODE_MODULES / path).is_file())
