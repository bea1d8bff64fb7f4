// The service worker of one side: live under "/", drill under "/drill/". Every push shows something; a message that
// is not newer than what is known is never shown: the newest is shown again, silently, under the same tag.
importScripts("/static/resident/store.js");

const prefix = new URL(self.registration.scope).pathname.replace(/\/$/, "");
const realm = prefix === "/drill" ? "drill" : "live";
const store = self.bosaiStore(realm);
const SHELL = `bosai-shell-${realm}-4`;
const CHECK_PAGE = `${prefix}/check`;
const SHELL_PAGES = [`${prefix}/`, `${prefix}/advice`, CHECK_PAGE];
// Modules import each other by plain path; what a page names with its version is found in the page itself.
const MODULES = ["/static/resident/store.js", "/static/resident/page.js", "/static/resident/current.js",
  "/static/resident/age.js", "/static/resident/place.js", "/static/resident/subscribe.js", "/static/resident/push.js",
  "/static/resident/registration.js", "/static/resident/route.js"];
const VERSIONED = /"(\/static\/[^"?]+\?v=[0-9a-f]+)"/g;
const NETWORK_WAIT_MS = 4000; // then the kept page, with its age
const CHECK = "check"; // the incident of self-tests and monthly checks
const REMINDER = "still_in_force"; // the kind of the quiet hourly one
const JITTER_S = 120; // "displayed" is spread over two minutes, so that a city does not answer at once

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("push", (event) => event.waitUntil(receive(event.data)));
self.addEventListener("notificationclick", (event) => event.waitUntil(clicked(event)));
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));
self.addEventListener("fetch", (event) => {
  const answer = answerFor(event.request);
  if (answer) event.respondWith(answer);
});

async function install() {
  const cache = await caches.open(SHELL);
  const kept = await Promise.allSettled([...SHELL_PAGES.map((path) => keepPage(cache, path)),
    ...MODULES.map((path) => cache.add(path))]);
  for (const one of kept) if (one.status === "rejected") console.warn("not kept for offline use:", one.reason);
  await self.skipWaiting();
}

async function keepPage(cache, path) {
  const response = await fetch(path, { cache: "no-store" });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  const words = await response.clone().text();
  await cache.put(path, response);
  await cache.addAll([...new Set([...words.matchAll(VERSIONED)].map((hit) => hit[1]))]);
}

async function activate() {
  const old = (await caches.keys()).filter((name) => name.startsWith(`bosai-shell-${realm}-`) && name !== SHELL);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

// --- pushes ---------------------------------------------------------------------------------------------------

async function receive(data) {
  const message = parse(data);
  if (!message) return showUnreadable();
  message.received_at = Date.now();
  if (message.bosai.incident === CHECK) return receiveCheck(message);
  if (message.bosai.kind === REMINDER) return receiveReminder(message);
  let newest = { message, isNew: true };
  try {
    newest = await store.keepNewest(message);
  } catch (error) {
    console.error("the device's store failed; the message is shown all the same", error);
  }
  await show(newest.message, newest.isNew);
  await tellPages({ bosai: "message" });
  if (newest.isNew) await confirmDisplay(message.bosai.r, await jitter_s());
}

// A reminder repeats what stands: it makes no sound, is not kept, and gives way to anything newer that is known.
async function receiveReminder(message) {
  let current = message;
  try {
    current = await store.orNewer(message);
  } catch (error) {
    console.error("the device's store failed; the reminder is shown all the same", error);
  }
  await show(current, false);
}

// A check is nobody's advice: it is kept apart and shown as it asks to be. A page that waits for it hears at once that
// it arrived, and whether the browser took the notification.
async function receiveCheck(message) {
  let newest = { message, isNew: true };
  try {
    newest = await store.keepCheck(message);
  } catch (error) {
    console.error("the device's store failed; the check is shown all the same", error);
  }
  const { seq, r, kind } = message.bosai;
  const news = { bosai: "check", realm, seq, arrived_at: message.received_at };
  if (newest.isNew) await tellPages(news, { includeUncontrolled: true });
  const isShown = await showCheck(newest.message, newest.isNew);
  if (!newest.isNew) return;
  const seen = { is_shown: isShown, shown_at: Date.now() };
  await store.noteCheck(seq, seen).catch((error) => console.error(error));
  await tellPages({ ...news, ...seen }, { includeUncontrolled: true });
  if (isShown) await confirmDisplay(r, kind === "self_test" ? 0 : await jitter_s());
}

// True when the browser lists the notification afterwards; what the system does with it nobody can tell.
async function showCheck({ notification, bosai }, isNew) {
  try {
    await self.registration.showNotification(notification.title, {
      body: notification.body,
      lang: notification.lang,
      dir: notification.dir,
      tag: notification.tag,
      renotify: isNew && notification.renotify === true,
      silent: !isNew || notification.silent === true,
      timestamp: notification.timestamp,
      icon: notification.icon,
      badge: notification.badge,
      data: { navigate: notification.navigate, incident: bosai.incident, seq: bosai.seq, r: bosai.r },
    });
    return (await self.registration.getNotifications({ tag: notification.tag })).length > 0;
  } catch (error) {
    console.error("the check can not be shown", error);
    return false;
  }
}

// The message, or null when it is not one of ours or belongs to the other side.
function parse(data) {
  try {
    const message = data.json();
    const { bosai, notification } = message;
    const isOurs = bosai.v === 1 && bosai.realm === realm && Number.isInteger(bosai.seq) && bosai.incident;
    return isOurs && notification.title ? message : null;
  } catch {
    return null;
  }
}

async function show({ notification, bosai }, isNew) {
  const config = (await kept("config")) ?? {};
  await self.registration.showNotification(notification.title, {
    body: notification.body,
    lang: notification.lang,
    dir: notification.dir,
    tag: notification.tag,
    renotify: isNew,
    silent: !isNew,
    requireInteraction: notification.requireInteraction === true,
    timestamp: notification.timestamp,
    icon: notification.icon,
    badge: notification.badge,
    ...(isNew && { vibrate: vibration(bosai) }),
    // Who is asked for nothing (お知らせ) has nothing to answer.
    ...(!bosai.ended && bosai.action && config.texts && {
      actions: [
        { action: "going", title: config.texts["reply.going"] },
        { action: "staying", title: config.texts["reply.staying"] },
      ],
    }),
    data: { navigate: notification.navigate, incident: bosai.incident, seq: bosai.seq, r: bosai.r },
  });
}

// A drill never sounds like an alarm.
function vibration(bosai) {
  if (realm === "drill") return [100];
  return bosai.urgent ? [500, 200, 500, 200, 500, 200, 1000] : [300, 150, 300];
}

async function showUnreadable() {
  const config = (await kept("config")) ?? {};
  const texts = config.texts ?? {};
  const mark = realm === "drill" ? "【訓練】" : "";
  const newest = await store.newest().catch(() => undefined);
  if (newest) return show(newest, false);
  await self.registration.showNotification(`${mark}${texts["sw.title"] ?? "避難の知らせ"}`, {
    body: `${mark}${texts["sw.body"] ?? "ここを押して確かめてください。"}`,
    lang: config.html_lang ?? "ja",
    tag: `bosai-${realm}-unreadable`,
    data: { navigate: `${prefix}/` },
  });
}

async function kept(key) {
  try {
    return await store.get(key);
  } catch {
    return undefined;
  }
}

async function tellPages(news, which = {}) {
  for (const client of await self.clients.matchAll({ type: "window", ...which })) client.postMessage(news);
}

async function jitter_s() {
  return (await kept("config"))?.receipt_jitter_s ?? JITTER_S;
}

async function confirmDisplay(r, most_s) {
  const wait_ms = Math.random() * 1000 * most_s;
  await store.queue({ r, stage: "displayed" }, Date.now() + wait_ms);
  await new Promise((resolve) => setTimeout(resolve, wait_ms + 20));
  await self.flushReceipts(store, prefix);
}

// --- taps -----------------------------------------------------------------------------------------------------

async function clicked({ notification, action }) {
  notification.close();
  const { navigate, r } = notification.data ?? {};
  // A window that cannot be opened must not cost the answer.
  const opened = openPage(navigate ?? `${prefix}/`).catch((error) => console.warn(error));
  if (r) {
    await store.queue({ r, stage: "opened" }, Date.now());
    if (action) await store.queue({ r, answer: action }, Date.now());
  }
  await opened;
  await self.flushReceipts(store, prefix);
}

async function openPage(path) {
  const url = new URL(path, self.location.origin);
  const mayGo = url.origin === self.location.origin && url.pathname.startsWith(`${prefix}/`);
  const target = mayGo ? url.href : new URL(`${prefix}/`, self.location.origin).href;
  for (const client of await self.clients.matchAll({ type: "window" })) {
    const open = new URL(client.url).pathname;
    if (!SHELL_PAGES.includes(open)) continue;
    try {
      // A test that runs there must not start over.
      if (open === CHECK_PAGE && new URL(target).pathname === CHECK_PAGE) return client.focus();
      await client.navigate(target);
      return client.focus();
    } catch {
      break; // a window that cannot be moved: open another
    }
  }
  return self.clients.openWindow(target);
}

// --- a push service that changed the subscription --------------------------------------------------------------

async function renew(event) {
  const config = await kept("config");
  const known = await kept("subscription");
  if (!config || !known) return;
  const fresh = event.newSubscription
    ?? (await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: config.vapid }));
  const response = await fetch(`${prefix}/api/v1/subscriptions/${known.id}`, {
    method: "PUT",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${known.secret}` },
    body: JSON.stringify({ subscription: fresh.toJSON() }),
  });
  if (!response.ok) throw new Error(`the new push subscription was refused: ${response.status}`);
}

// --- pages without a connection --------------------------------------------------------------------------------

// Only our three pages and the static files; everything else (the other side, /hq/, /s/, /api/) is left alone.
function answerFor(request) {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return null;
  if (request.mode === "navigate") {
    return SHELL_PAGES.includes(url.pathname) ? freshOrKept(request, url.pathname) : null;
  }
  if (!url.pathname.startsWith("/static/") || url.pathname.startsWith("/static/console/")) return null;
  return url.searchParams.has("v") ? keptOrFresh(request) : freshOrKept(request, url.pathname);
}

// A query holds a place or a language: it is not kept in the cache's key, and only plain pages are kept.
async function freshOrKept(request, path) {
  const cache = await caches.open(SHELL);
  const fresh = fetch(request).then(async (response) => {
    if (response.ok && !new URL(request.url).search) await cache.put(path, response.clone());
    return response;
  });
  const slow = new Promise((resolve) => setTimeout(resolve, NETWORK_WAIT_MS));
  try {
    return (await Promise.race([fresh, slow])) ?? (await cache.match(path)) ?? (await fresh);
  } catch (error) {
    const held = await cache.match(path);
    if (held) return held;
    throw error;
  }
}

async function keptOrFresh(request) {
  const cache = await caches.open(SHELL);
  const held = await cache.match(request);
  if (held) return held;
  const response = await fetch(request);
  if (response.ok) await cache.put(request, response.clone());
  return response;
}
