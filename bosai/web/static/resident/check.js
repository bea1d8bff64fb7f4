// <bosai-check>: the self-test. One tap sends a message through the whole way; every step is shown as it happens, and
// where it stops the page says what is broken and what to do.
//
// permission ▸ service worker ▸ registration ▸ sent (accepted is not arrived) ▸ arrived here ▸ shown
import { api, config, hasWorker, store, text, timeText, worker } from "/static/resident/page.js";
import { heldSubscription, obstacle, readyHere, subscribe, unsubscribe } from "/static/resident/push.js";
import { change, register } from "/static/resident/registration.js";

const POLL_MS = 500;
const WORKER_WAIT_MS = 10_000;
const STOPPED_AFTER_MS = 10_000; // nobody sends at all
const SENT_WITHIN_MS = 30_000;
const ARRIVED_WITHIN_MS = 30_000; // after the push service took it
const SHOWN_WITHIN_MS = 10_000; // after it arrived
const LATE_MS = 15_000;
const ENDS = { failed: "refused", expired: "unreachable", retired: "gone", replaced: "other" };

// The step at which the test stopped, and why: a code with a sentence and a mend, or a sentence of its own.
// repair: "renew" (push keys anew), "anew" (register anew), "home" (nothing to repair with), "" (nothing to repair).
class Stop extends Error {
  constructor(code, { facts = {}, repair = "", words = text(`check.v.${code}`, facts) } = {}) {
    super(words);
    Object.assign(this, { code, repair, mend: code ? text(`check.m.${code}`) : "" });
  }
}

const seconds = (ms) => text("check.seconds", { seconds: (ms / 1000).toFixed(1) });

class BosaiCheck extends HTMLElement {
  async connectedCallback() {
    this.hidden = false;
    this.button = this.querySelector("[data-start]");
    this.verdict = this.querySelector("[data-verdict]");
    this.repairButton = this.querySelector("[data-repair]");
    this.homeLink = this.querySelector("[data-home]");
    this.wantsChecks = this.querySelector("[data-wants-checks]");
    this.button.onclick = () => this.start();
    this.repairButton.onclick = () => this.mend();
    this.wantsChecks.onchange = () => this.saveWish();
    this.onNews = ({ data }) => data?.bosai === "check" && data.realm === config.realm && this.heard(data);
    if (hasWorker) navigator.serviceWorker.addEventListener("message", this.onNews);
    try {
      await this.showKnown();
      this.button.disabled = false; // from now on a tap finds what it needs, and may ask for the permission
    } catch (error) {
      this.stopped(new Stop("worker")); // without its store nothing can be received either
      console.error(error);
    }
  }

  disconnectedCallback() {
    if (hasWorker) navigator.serviceWorker.removeEventListener("message", this.onNews);
    this.turn = undefined;
  }

  async showKnown() {
    this.known = await store.get("subscription");
    this.querySelector("[data-monthly]").hidden = !this.known;
    this.wantsChecks.checked = this.known?.checks ?? true;
    const last = await store.get("check");
    const line = this.querySelector("[data-last]");
    line.hidden = !last;
    if (!last) return;
    const key = last.bosai.kind === "monthly_check" ? "check.last_monthly" : "check.last";
    line.textContent = text(key, { date: dateText(last.received_at), time: timeText(last.received_at) });
  }

  // --- the test ------------------------------------------------------------------------------------------------

  async start() {
    if (this.isBusy) return;
    const turn = (this.turn = {});
    this.reset();
    try {
      await this.step("permission", () => this.permission());
      await this.step("worker", () => this.serviceWorker());
      await this.step("registration", () => this.registration());
      await this.send(turn);
    } catch (error) {
      if (this.turn === turn) this.stopped(error);
    } finally {
      if (this.turn === turn) {
        this.busy(false);
        this.button.textContent = text("check.again");
        await this.showKnown();
      }
    }
  }

  // Not "disabled": that would take the focus from under a keyboard.
  busy(isBusy) {
    this.isBusy = isBusy;
    for (const one of [this.button, this.repairButton]) one.setAttribute("aria-disabled", String(isBusy));
  }

  reset() {
    this.busy(true);
    this.wanted = null;
    this.querySelector(".check-steps").hidden = false;
    for (const one of this.querySelectorAll("[data-step]")) this.mark(one.dataset.step, "todo");
    this.repairButton.hidden = this.homeLink.hidden = true;
    this.say("doing", text("check.testing"), "");
  }

  async step(name, work) {
    this.mark(name, "doing");
    await work();
    this.mark(name, "done");
  }

  async permission() {
    const why = obstacle();
    if (why) throw new Stop("", { words: why });
    if (!this.known) throw new Stop("not_registered", { repair: "home" });
    const answer = Notification.permission === "default" ? await Notification.requestPermission() : Notification.permission;
    if (answer !== "granted") throw new Stop("", { words: text("notify.denied") });
  }

  async serviceWorker() {
    try {
      await worker();
      await within(WORKER_WAIT_MS, readyHere());
    } catch (error) {
      console.error(error);
      throw new Stop("worker");
    }
  }

  async registration() {
    const held = await heldSubscription();
    if (!held) throw new Stop("lost", { repair: "renew" });
    let there;
    try {
      there = await api("GET", `/subscriptions/${this.known.id}`, { secret: this.known.secret });
    } catch (error) {
      if (error.status === 403 || error.status === 404) throw new Stop("unknown", { repair: "anew" });
      throw error;
    }
    if (there.push.endpoint !== held.endpoint) throw new Stop("lost", { repair: "renew" });
  }

  async send(turn) {
    this.mark("sent", "doing", text("check.sending"));
    // Before it is asked for: the message may be here sooner than the answer.
    const began = performance.now();
    const began_at = Date.now();
    const { seq } = await api("POST", `/subscriptions/${this.known.id}/self-test`, { secret: this.known.secret });
    this.wanted = { seq, began, began_at, accepted: null, arrived: null, shown: null };
    while (this.turn === turn && !this.isOver()) {
      await this.look();
      this.wait();
      await new Promise((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, POLL_MS);
      });
    }
  }

  isOver() {
    return this.wanted.shown !== null;
  }

  // What the service knows, and what this device kept: a page that was asleep missed the worker's word.
  async look() {
    const { seq } = this.wanted;
    const kept = await store.get("check");
    if (kept?.bosai.seq === seq && kept.received_at >= this.wanted.began_at) this.arrived(kept);
    let status;
    try {
      status = await api("GET", `/subscriptions/${this.known.id}/self-test`, { secret: this.known.secret });
    } catch (error) {
      // The message may come all the same; a connection that stays away is said when its time is up.
      if (error.status === 404) throw new Stop("gone", { repair: "anew" });
      this.trouble = error;
      return;
    }
    this.trouble = null;
    this.status = status;
    if (status.seq !== seq) throw new Stop("other");
    const end = ENDS[status.stage];
    if (end) throw new Stop(end, { facts: { cause: status.cause || status.stage }, repair: end === "gone" ? "anew" : "" });
    if (status.stage !== "queued") this.accepted(status.stage === "accepted" ? status.took_ms : this.elapsed());
  }

  wait() {
    const { accepted, arrived } = this.wanted;
    const elapsed = this.elapsed();
    if (arrived !== null) {
      if (elapsed - arrived > SHOWN_WITHIN_MS) throw new Stop("not_shown");
      return;
    }
    if (accepted === null) {
      if (elapsed > SENT_WITHIN_MS) throw this.notSent();
      if (elapsed > STOPPED_AFTER_MS && this.status?.delivery === "stopped" && !this.trouble) throw new Stop("stopped");
    } else if (elapsed - accepted > ARRIVED_WITHIN_MS) throw new Stop("not_arrived");
  }

  notSent() {
    if (this.trouble) return this.trouble;
    return this.status?.cause ? new Stop("unreachable", { facts: { cause: this.status.cause } }) : new Stop("stopped");
  }

  elapsed() {
    return performance.now() - this.wanted.began;
  }

  accepted(ms) {
    if (this.wanted.accepted !== null) return;
    this.wanted.accepted = ms;
    const isHere = this.wanted.arrived !== null;
    this.mark("sent", "done", isHere ? seconds(ms) : `${seconds(ms)} ${text("check.accepted")}`);
    if (!isHere) this.mark("arrived", "doing", text("check.waiting"));
  }

  // The service worker's word: {seq, arrived_at} at once, with {is_shown, shown_at} when the notification stands.
  heard({ seq, arrived_at, is_shown, shown_at }) {
    if (this.wanted?.seq === seq) this.arrived({ received_at: arrived_at, is_shown, shown_at });
    else this.showKnown();
  }

  arrived({ received_at, is_shown, shown_at }) {
    const { began_at } = this.wanted;
    if (this.wanted.arrived === null) {
      this.wanted.arrived = received_at - began_at;
      this.mark("sent", "done", seconds(this.wanted.accepted ?? this.wanted.arrived));
      this.mark("arrived", "done", seconds(this.wanted.arrived));
      this.mark("shown", "doing");
    }
    if (is_shown === undefined || this.wanted.shown !== null) return;
    this.wanted.shown = shown_at - began_at;
    this.mark("shown", is_shown ? "done" : "failed", is_shown ? seconds(this.wanted.shown) : "");
    this.finished(is_shown);
    this.wake?.();
  }

  finished(isShown) {
    if (!isShown) return this.stopped(new Stop("not_shown"));
    const code = this.wanted.shown > LATE_MS ? "late" : "ok";
    this.say(code, text(`check.v.${code}`, { seconds: (this.wanted.shown / 1000).toFixed(1) }), text(`check.m.${code}`));
    this.repairButton.hidden = this.homeLink.hidden = true; // a verdict that was spoken too early is taken back
  }

  // --- verdicts ------------------------------------------------------------------------------------------------

  stopped(error) {
    if (!(error instanceof Stop)) console.error(error);
    const isTooSoon = error.status === 429; // nothing is broken: tap again later
    for (const one of this.querySelectorAll("[data-state=doing]")) this.mark(one.dataset.step, isTooSoon ? "todo" : "failed");
    const repair = error.repair === "anew" && !this.known?.places ? "home" : (error.repair ?? "");
    const isServer = error.status >= 500;
    this.say(
      isTooSoon ? "doing" : "failed",
      isServer ? text("check.v.server") : error.message,
      isServer ? text("check.m.server") : (error.mend ?? ""),
    );
    this.repair = repair;
    this.repairButton.hidden = repair !== "renew" && repair !== "anew";
    this.homeLink.hidden = repair !== "home";
  }

  // Register again what was lost: new push keys for what the service holds, or everything anew.
  async mend() {
    if (this.isBusy) return;
    this.busy(true);
    try {
      if (this.repair === "anew") await unsubscribe(); // the push service no longer knows the old one
      const subscription = (await subscribe()).toJSON();
      if (this.repair === "anew" || !(await change(this.known, { subscription }))) await this.registerAnew(subscription);
      this.reset();
      this.say("ok", text("check.mended"), "");
    } catch (error) {
      error.repair ??= this.repair; // it can be tried again
      this.stopped(error);
    } finally {
      this.busy(false);
      await this.showKnown();
      this.button.focus();
    }
  }

  async registerAnew(subscription) {
    const { places, label, lang = config.lang, checks = true, today_only = false, welfare_code = "" } = this.known;
    if (!places) throw new Stop("unknown", { repair: "home" });
    const wanted = { subscription, places, lang, checks, today_only };
    try {
      await register({ ...wanted, welfare_code }, label);
    } catch (error) {
      if (!welfare_code || error.status !== 400) throw error;
      await register({ ...wanted, welfare_code: "" }, label); // a code that opens nothing any more must not cost the rest
    }
  }

  // state: "doing", "ok", "late", "failed"
  say(state, words, mend) {
    this.verdict.dataset.verdict = state;
    this.verdict.querySelector("[data-words]").textContent = words;
    this.verdict.querySelector("[data-mend]").textContent = mend;
    this.verdict.hidden = false;
  }

  // state: "todo", "doing", "done", "failed"
  mark(name, state, detail = "") {
    const step = this.querySelector(`[data-step=${name}]`);
    step.dataset.state = state;
    step.querySelector("[data-said]").textContent = text(`check.state.${state}`);
    step.querySelector("[data-detail]").textContent = detail;
  }

  // --- the monthly check ---------------------------------------------------------------------------------------

  async saveWish() {
    const status = this.querySelector("[data-saved]");
    const checks = this.wantsChecks.checked;
    this.wantsChecks.disabled = true;
    try {
      const isKnown = await change(this.known, { checks });
      status.textContent = text(isKnown ? "check.saved" : "check.v.unknown");
      if (!isKnown) this.wantsChecks.checked = !checks;
    } catch (error) {
      this.wantsChecks.checked = !checks;
      status.textContent = error.message;
    } finally {
      this.wantsChecks.disabled = false;
      this.known = await store.get("subscription");
    }
  }
}

// Rejects when `promise` takes longer.
function within(ms, promise) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`nothing within ${ms} ms`)), ms));
  return Promise.race([promise, late]);
}

const dateText = (at) =>
  new Intl.DateTimeFormat(config.html_lang, { month: "short", day: "numeric", timeZone: "Asia/Tokyo" }).format(at);

customElements.define("bosai-check", BosaiCheck);
