"""The smallest site that subscribes: two scopes, `/` and `/drill/`, under a strict CSP. It proves the bed itself."""

from __future__ import annotations

import html
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

CSP = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'"

PAGE = """<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<script type="module" src="/app.js" data-key="{key}" id="app"></script></head>
<body><main><h1>{title}</h1>
<p><a href="/list">一覧を見る</a></p>
<label for="place">場所</label> <input id="place" name="place">
<label for="floor">階</label> <select id="floor"><option value="1">1階</option><option value="2">2階</option></select>
<button id="subscribe">通知を受け取る</button>
<button id="where">現在地を使う</button>
<p id="state" role="status">未登録</p></main></body></html>"""

APP = """
const state = document.getElementById('state');
const scope = location.pathname;
const run = (id, work) => document.getElementById(id).addEventListener('click', async () => {
  try { state.textContent = await work(); } catch (error) { state.textContent = `失敗: ${error.message}`; }
});
run('subscribe', async () => {
  await navigator.serviceWorker.register('/sw.js', {scope});
  const registration = await navigator.serviceWorker.getRegistration(scope);
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  const step = () => new Promise((done) => worker.addEventListener('statechange', done, {once: true}));
  while (worker.state !== 'activated') await step();
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true, applicationServerKey: document.getElementById('app').dataset.key});
  window.subscription = subscription.toJSON();
  return '登録しました';
});
run('where', () => new Promise((done, fail) => navigator.geolocation.getCurrentPosition(
  ({coords}) => done(`${coords.latitude},${coords.longitude}`), fail)));
"""

WORKER = """
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('push', (event) => {
  const show = async ({title, body, tag}) =>
    registration.showNotification(title, {body, tag, lang: 'ja', data: {from: registration.scope}});
  if (event.data.text() === 'break now') throw new Error('broken at once');
  event.waitUntil((async () => show(event.data.json()))());
});
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil((async () => {
    await fetch('/opened', {method: 'POST', body: event.notification.tag});
    await clients.openWindow('/list').catch(() => {});
  })());
});
self.addEventListener('fetch', (event) => {
  const page = '<!doctype html><meta charset="utf-8"><title>圏外</title><p>圏外です</p>';
  const offline = () => new Response(page, {headers: {'content-type': 'text/html'}});
  if (event.request.mode === 'navigate') event.respondWith(fetch(event.request).catch(offline));
});
"""


class TinySite:
    """Where it is (`url`), and what its service worker reported (`opened`: tags)."""

    def __init__(self, keys: dict[str, str]) -> None:
        self.url = ""
        self.keys = keys  # scope -> applicationServerKey
        self.opened: list[str] = []

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        for scope in self.keys:
            app.router.add_get(scope, self._page)
        app.router.add_get("/list", self._list)
        app.router.add_get("/app.js", self._script(APP))
        app.router.add_get("/sw.js", self._script(WORKER))
        app.router.add_post("/opened", self._opened)
        app.router.add_get("/broken", self._broken)
        return app

    async def _page(self, request: web.Request) -> web.Response:
        title = "【訓練】避難の案内" if request.path.startswith("/drill") else "避難の案内"
        return _html(PAGE.format(title=title, key=html.escape(self.keys[request.path])))

    async def _list(self, request: web.Request) -> web.Response:
        rows = json.dumps(["荒浜", "藤塚"], ensure_ascii=False)
        return _html(f"<!doctype html><meta charset=utf-8><title>一覧</title><h1>一覧</h1><p>{rows}</p>")

    async def _broken(self, request: web.Request) -> web.Response:
        return web.Response(
            text="<!doctype html><meta charset=utf-8><script>null.kaboom</script><img src='data:,'><p>x</p>",
            content_type="text/html",
        )

    async def _opened(self, request: web.Request) -> web.Response:
        self.opened.append(await request.text())
        return web.Response(status=204)

    def _script(self, source: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            headers = {"Content-Security-Policy": CSP, "Service-Worker-Allowed": "/"}
            return web.Response(text=source, content_type="text/javascript", headers=headers)

        return serve


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": CSP})


@asynccontextmanager
async def tiny_site(keys: dict[str, str]) -> AsyncIterator[TinySite]:
    """The site on a free loopback port. `keys`: the applicationServerKey of each scope."""
    site = TinySite(keys)
    runner = web.AppRunner(site.app(), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield site
    finally:
        await runner.cleanup()
