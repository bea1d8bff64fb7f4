// <bosai-current>: this person's newest guidance, read from the service; without a connection, what the last push said.
import { api, config, store, text, timeText, hasWorker } from "/static/resident/page.js";
import "/static/resident/age.js";

const ANSWERS = ["going", "arrived", "staying", "elsewhere"];

const element = (name, words, attributes = {}) => {
  const made = document.createElement(name);
  made.textContent = words;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

class BosaiCurrent extends HTMLElement {
  connectedCallback() {
    this.onMessage = (event) => event.data?.bosai === "check" || this.refresh(); // a check says nothing here
    this.onVisible = () => document.visibilityState === "visible" && this.refresh();
    if (hasWorker) navigator.serviceWorker.addEventListener("message", this.onMessage);
    document.addEventListener("bosai-subscribed", this.onMessage);
    document.addEventListener("visibilitychange", this.onVisible);
    addEventListener("online", this.onMessage);
    this.refresh();
  }

  disconnectedCallback() {
    if (hasWorker) navigator.serviceWorker.removeEventListener("message", this.onMessage);
    document.removeEventListener("bosai-subscribed", this.onMessage);
    document.removeEventListener("visibilitychange", this.onVisible);
    removeEventListener("online", this.onMessage);
  }

  // Only the last of several refreshes may draw.
  async refresh() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const known = await store.get("subscription");
    const message = await this.message();
    this.instruction = undefined; // null: there is none; undefined: nobody could be asked
    const drawn = await this.fromService(known, message);
    if (turn !== this.turn) return;
    this.dispatchEvent(new CustomEvent("bosai-advised", { bubbles: true, detail: { known, instruction: this.instruction, message } }));
    this.hidden = !known && !message;
    this.replaceChildren(...drawn);
    await self.flushReceipts(store, config.prefix);
  }

  message() {
    const incident = new URLSearchParams(location.search).get("i");
    return incident && location.pathname.endsWith("/advice")
      ? store.message(incident).then((one) => one ?? store.newest())
      : store.newest();
  }

  async fromService(known, message) {
    if (!known) {
      this.instruction = null;
      return message ? this.kept(message, "") : [];
    }
    try {
      const answer = await api("GET", `/subscriptions/${known.id}/advice`, { secret: known.secret });
      this.instruction = answer.instruction;
      return answer.instruction ? this.advice(answer) : [this.title(), element("p", text("current.none"))];
    } catch (error) {
      return message ? this.kept(message, error.status ? error.message : text("current.offline"))
        : [this.title(), element("p", error.message, { role: "status" })];
    }
  }

  title() {
    return element("h2", text("current.title"));
  }

  advice({ instruction, text: words, answer, r, read_at }) {
    const card = this.card(words.urgent);
    card.lang = words.html_lang;
    card.append(
      element("p", words.title, { class: "advice-title" }),
      ...(words.action ? [element("p", words.action, { class: "advice-action" })] : []),
      element("p", words.do, { class: "advice-do" }),
      ...words.lines.map((line) => element("p", line)),
    );
    if (words.reasons.length) card.append(this.details("here.reasons", words.reasons));
    card.append(this.details("current.order", [words.order, words.order_body]));
    card.append(element("p", words.issuer_line, { class: "issuer" }), element("p", words.guide_line, { class: "issuer" }));
    card.append(this.age(instruction.decided_at, "current.received"), this.age(read_at, "read_at"));
    if (config.realm === "drill") card.append(element("p", text("drill_end"), { class: "drill-mark" }));
    const parts = [this.title(), card];
    if (instruction.action) parts.push(this.answers(r, answer));
    return parts;
  }

  kept(message, why) {
    const card = this.card(message.bosai.urgent);
    card.lang = message.notification.lang;
    card.append(element("p", message.notification.title, { class: "advice-title" }));
    for (const line of message.notification.body.split("\n")) card.append(element("p", line));
    card.append(this.age(new Date(message.bosai.at * 1000).toISOString(), "current.received"));
    if (message.bosai.stale * 1000 < Date.now()) card.append(element("p", text("current.stale"), { class: "stale-note" }));
    const parts = [this.title()];
    if (why) parts.push(element("p", why, { class: "note", role: "status" }));
    parts.push(card);
    if (!message.bosai.ended) parts.push(this.answers(message.bosai.r, null));
    return parts;
  }

  card(urgent) {
    const card = document.createElement("section");
    card.className = urgent ? "advice-card urgent" : "advice-card";
    if (urgent) card.setAttribute("role", "alert");
    return card;
  }

  details(key, lines) {
    const made = document.createElement("details");
    made.append(element("summary", text(key)), ...lines.map((line) => element("p", line)));
    return made;
  }

  age(iso, key) {
    const age = element("bosai-age", "", {
      class: "age", "data-text": text("age"), "data-hours": text("age_hours"), "data-days": text("age_days"),
    });
    age.append(element("time", text(key, { time: timeText(new Date(iso)) }), { datetime: iso }));
    return age;
  }

  answers(r, chosen) {
    const group = element("fieldset", "", { class: "answers" });
    const said = element("p", "", { role: "status" });
    group.append(element("legend", text("reply.title")));
    for (const answer of ANSWERS) {
      const button = element("button", text(`reply.${answer}`), { type: "button", "aria-pressed": String(answer === chosen) });
      button.addEventListener("click", async () => {
        for (const one of group.querySelectorAll("button")) one.setAttribute("aria-pressed", String(one === button));
        await store.queue({ r, answer }, Date.now());
        said.textContent = text((await self.flushReceipts(store, config.prefix)) ? "reply.sent" : "reply.queued");
      });
      group.append(button);
    }
    group.append(said);
    return group;
  }
}
customElements.define("bosai-current", BosaiCurrent);
