// The Push API of this browser: what it can do, and a subscription under this side's VAPID key.
import { Problem, config, hasWorker, text, worker } from "/static/resident/page.js";

// Why this browser cannot receive here, as a sentence; "" when it can.
export function obstacle() {
  if (hasWorker && "PushManager" in window && "Notification" in window) return "";
  const isApple = /iPhone|iPad|iPod/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);
  return text(isApple ? "notify.ios" : "notify.unsupported");
}

// A PushSubscription. Call it from a tap: it asks for permission. Throws Problem with what to do.
export async function subscribe() {
  if ((await Notification.requestPermission()) !== "granted") throw new Problem({ detail: text("notify.denied") });
  await worker();
  const registration = await readyHere();
  const held = await registration.pushManager.getSubscription();
  if (held && isUnder(held, config.vapid)) return held;
  await held?.unsubscribe();
  try {
    return await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: config.vapid });
  } catch (error) {
    console.error(error);
    throw new Problem({ detail: text("notify.push_failed") });
  }
}

export async function unsubscribe() {
  const registration = await navigator.serviceWorker.getRegistration(`${config.prefix}/`);
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
}

// The browser's push subscription as it stands: null when there is none, or one under another key than this side's.
export async function heldSubscription() {
  const registration = await navigator.serviceWorker.getRegistration(`${config.prefix}/`);
  const held = await registration?.pushManager.getSubscription();
  return held && isUnder(held, config.vapid) ? held : null;
}

// This side's registration once its worker is active. `navigator.serviceWorker.ready` might be the other side's,
// as /drill/ lies inside "/".
export async function readyHere() {
  const registration = await navigator.serviceWorker.getRegistration(`${config.prefix}/`);
  const coming = registration.installing ?? registration.waiting;
  if (!registration.active && coming) {
    await new Promise((resolve, reject) => {
      coming.addEventListener("statechange", () => {
        if (coming.state === "activated") resolve();
        if (coming.state === "redundant") reject(new Problem({ detail: text("notify.push_failed") }));
      });
    });
  }
  return registration;
}

function isUnder(subscription, vapid) {
  const key = subscription.options?.applicationServerKey;
  if (!key) return true; // the browser does not tell: the push service will refuse the wrong one
  const base64 = btoa(String.fromCharCode(...new Uint8Array(key)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") === vapid;
}
