// What this device keeps for one side (live or drill): settings of the page, the newest push of each incident, the
// newest check, and receipts that wait for a connection. A classic script, because the service worker and the pages
// both load it: it sets `self.bosaiStore(realm)` and `self.flushReceipts(store, prefix)`.
(() => {
  const VERSION = 1;
  const BATCH = 50; // the API takes no more at once

  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });

  const finished = (transaction) =>
    new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });

  function open(name) {
    const request = indexedDB.open(name, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("kept");
      request.result.createObjectStore("messages");
      request.result.createObjectStore("receipts", { autoIncrement: true });
    };
    return done(request);
  }

  // The numbers of one registration rise; a device that registers anew is counted from 1 again, but later. The token
  // begins with the registration's id.
  function isNewer(one, known) {
    const ownerOf = ({ r }) => String(r).split(":")[0];
    if (one.at === known.at || ownerOf(one) === ownerOf(known)) return one.seq > known.seq;
    return one.at > known.at;
  }

  class Store {
    constructor(realm) {
      this.name = `bosai-${realm}`;
    }

    async with(stores, mode, work) {
      const db = await open(this.name);
      try {
        const transaction = db.transaction(stores, mode);
        const ended = finished(transaction);
        const result = await work(...stores.map((one) => transaction.objectStore(one)));
        await ended;
        return result;
      } finally {
        db.close();
      }
    }

    get(key) {
      return this.with(["kept"], "readonly", (kept) => done(kept.get(key)));
    }

    put(key, value) {
      return this.with(["kept"], "readwrite", (kept) => done(kept.put(value, key)));
    }

    // Keep `message` if its seq is newer than what is known of the incident. One transaction, so that two pushes
    // handled at once cannot both be the newest. Returns {message: the newest now, isNew}.
    keepNewest(message) {
      return this.with(["messages"], "readwrite", async (messages) => {
        const { incident } = message.bosai;
        const known = await done(messages.get(incident));
        if (known && !isNewer(message.bosai, known.bosai)) return { message: known, isNew: false };
        await done(messages.put(message, incident));
        return { message, isNew: true };
      });
    }

    // The newest message of its incident where that overtook this one, else this one; nothing is kept.
    async orNewer(message) {
      const known = await this.message(message.bosai.incident);
      return known && isNewer(known.bosai, message.bosai) ? known : message;
    }

    // Keep the newest check, beside the messages: {message: the newest now, isNew}. A device that registers anew counts
    // from 1 again, but later.
    keepCheck(message) {
      return this.with(["kept"], "readwrite", async (kept) => {
        const known = await done(kept.get("check"));
        const { seq, at } = message.bosai;
        if (known && known.bosai.seq >= seq && known.bosai.at >= at) return { message: known, isNew: false };
        await done(kept.put(message, "check"));
        return { message, isNew: true };
      });
    }

    // What became of the check `seq` on this device: {is_shown, shown_at}.
    noteCheck(seq, seen) {
      return this.with(["kept"], "readwrite", async (kept) => {
        const known = await done(kept.get("check"));
        if (known?.bosai.seq === seq) await done(kept.put({ ...known, ...seen }, "check"));
      });
    }

    message(incident) {
      return this.with(["messages"], "readonly", (messages) => done(messages.get(incident)));
    }

    // The message received last, whatever its incident.
    async newest() {
      const all = await this.with(["messages"], "readonly", (messages) => done(messages.getAll()));
      return all.reduce((best, one) => (!best || one.received_at > best.received_at ? one : best), undefined);
    }

    // {r, stage|answer}, to be sent at `due` (ms since 1970) or later.
    queue(receipt, due) {
      return this.with(["receipts"], "readwrite", (receipts) => done(receipts.add({ receipt, due })));
    }

    due(now) {
      return this.with(["receipts"], "readonly", async (receipts) => {
        const [keys, values] = await Promise.all([done(receipts.getAllKeys()), done(receipts.getAll())]);
        return keys.map((key, n) => ({ key, ...values[n] })).filter((one) => one.due <= now);
      });
    }

    forget(keys) {
      return this.with(["receipts"], "readwrite", async (receipts) => {
        for (const key of keys) await done(receipts.delete(key));
      });
    }

    // Everything but the page's settings: what "delete everything" leaves on the device.
    clear() {
      return this.with(["kept", "messages", "receipts"], "readwrite", async (kept, messages, receipts) => {
        await done(kept.delete("subscription"));
        await done(kept.delete("check"));
        await done(kept.delete("way"));
        await done(messages.clear());
        await done(receipts.clear());
      });
    }
  }

  const post = (prefix, receipts) =>
    fetch(`${prefix}/api/v1/receipts`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(receipts),
    });

  const isRefused = (response) => response.status >= 400 && response.status < 500 && response.status !== 429;

  // Send what is due, answers first and apart: under load the service takes these at once and leaves the others for
  // later. True when no answer is left. A receipt that is refused alone will always be: it is dropped.
  async function flushReceipts(store, prefix) {
    const waiting = await store.due(Date.now());
    const isAnswer = ({ receipt }) => Boolean(receipt.answer);
    if (!(await sendAll(store, prefix, waiting.filter(isAnswer)))) return false;
    await sendAll(store, prefix, waiting.filter((one) => !isAnswer(one)));
    return true;
  }

  async function sendAll(store, prefix, waiting) {
    for (let n = 0; n < waiting.length; n += BATCH) {
      const batch = waiting.slice(n, n + BATCH);
      try {
        const response = await post(prefix, batch.map((one) => one.receipt));
        if (response.ok) await store.forget(batch.map((one) => one.key));
        else if (!isRefused(response)) return false;
        else if (!(await sendSingly(store, prefix, batch))) return false;
      } catch {
        return false; // no connection: they stay
      }
    }
    return true;
  }

  async function sendSingly(store, prefix, batch) {
    for (const one of batch) {
      const response = await post(prefix, [one.receipt]);
      if (!response.ok && !isRefused(response)) return false;
      await store.forget([one.key]);
    }
    return true;
  }

  self.bosaiStore = (realm) => new Store(realm);
  self.flushReceipts = flushReceipts;
})();
