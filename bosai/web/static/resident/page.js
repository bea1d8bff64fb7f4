// What every resident page needs: its settings (JSON in the page), the device's store, the API with readable errors.
import "/static/resident/store.js";

export const config = JSON.parse(document.getElementById("page-config").textContent);
export const store = self.bosaiStore(config.realm);

// A sentence of the page's language; {placeholders} are filled from `facts`.
export const text = (key, facts = {}) =>
  Object.entries(facts).reduce((words, [name, value]) => words.replaceAll(`{${name}}`, value), config.texts[key] ?? key);

export class Problem extends Error {
  constructor({ title = "", detail = "", mend = "", status = 0, code = "" }) {
    super([title, detail, mend].filter(Boolean).join(" "));
    Object.assign(this, { status, code });
  }
}

// The parsed answer (null for 204). Throws Problem: with the service's words, or "no connection".
export async function api(method, path, { body, secret } = {}) {
  let response;
  try {
    response = await fetch(`${config.prefix}/api/v1${path}${path.includes("?") ? "&" : "?"}lang=${config.lang}`, {
      method,
      headers: {
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...(secret && { Authorization: `Bearer ${secret}` }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
    });
  } catch {
    throw new Problem({ detail: text("notify.offline") });
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem({ ...answer, status: response.status });
  return answer;
}

// The registered service worker of this side. Its settings go to the device first, so that a push that comes before
// any page is opened again finds its language.
export async function worker() {
  const { texts, html_lang, lang, vapid, receipt_jitter_s } = config;
  await store.put("config", { texts, html_lang, lang, vapid, receipt_jitter_s });
  return navigator.serviceWorker.register(`${config.prefix}/sw.js`, { scope: `${config.prefix}/`, updateViaCache: "none" });
}

export const hasWorker = "serviceWorker" in navigator;

// Time of day in Japan, as the service writes it.
export const timeText = (at) =>
  new Intl.DateTimeFormat("ja-JP", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Tokyo" }).format(at);
