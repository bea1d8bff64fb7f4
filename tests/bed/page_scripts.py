"""Scripts the bed runs inside pages and service workers: bodies of async functions of `arg`, or whole scripts."""

# In a page of the same origin; arg: the scope. A list of what getNotifications() gives.
GET_NOTIFICATIONS = """
  const registration = (await navigator.serviceWorker.getRegistrations())
    .find((one) => one.scope === new URL(arg, location.href).href);
  if (!registration) throw new Error(`no service worker under ${arg}`);
  return (await registration.getNotifications()).map((one) => ({
    title: one.title, body: one.body, tag: one.tag, lang: one.lang, data: one.data ?? null,
    requireInteraction: one.requireInteraction ?? false, actions: (one.actions ?? []).map((a) => a.action),
  }));
"""

# Before the scripts of a document: INFO is a subscription as JSON, KEY the key it is restricted to, or null.
SYNTHETIC_PUSH = """{
  const info = INFO, restrictedTo = KEY;
  const standard = (text) => text.replaceAll('-', '+').replaceAll('_', '/');
  const bytes = (text) => Uint8Array.from(atob(standard(text)), (c) => c.charCodeAt(0));
  const raw = (key) => typeof key === 'string' ? bytes(key) : new Uint8Array(key.buffer ?? key);
  const same = (key) => !restrictedTo || String(raw(key)) === String(bytes(restrictedTo));
  let options = null;
  const subscription = Object.defineProperties(Object.create(PushSubscription.prototype), {
    endpoint: {value: info.endpoint}, expirationTime: {value: null}, options: {get: () => options},
    getKey: {value: (name) => bytes(info.keys[name]).buffer}, toJSON: {value: () => structuredClone(info)},
    unsubscribe: {value: async () => { options = null; return true; }},
  });
  PushManager.prototype.getSubscription = async () => options && subscription;
  const refuse = (why, name) => { throw new DOMException(why, name); };
  PushManager.prototype.subscribe = async (asked) => {
    if (!asked?.userVisibleOnly) refuse('userVisibleOnly is needed', 'NotAllowedError');
    if (!same(asked.applicationServerKey)) refuse('another applicationServerKey', 'InvalidStateError');
    options = {userVisibleOnly: true, applicationServerKey: raw(asked.applicationServerKey).buffer};
    return subscription;
  };
}"""

# In a service worker; arg: {tag, action}. An event made by a script may not waitUntil, so it gets its own.
CLICK_NOTIFICATION = """
  const [notification] = await registration.getNotifications({tag: arg.tag});
  if (!notification) throw new Error(`no notification with tag ${arg.tag}`);
  const event = new NotificationEvent('notificationclick', {notification, action: arg.action});
  const work = [];
  Object.defineProperty(event, 'waitUntil', {value: (promise) => work.push(promise)});
  self.dispatchEvent(event);
  await Promise.allSettled(work);
"""
