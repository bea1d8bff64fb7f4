// <bosai-route>: the way on foot to the place that the newest guidance names, as sentences and on a map. It is asked for
// with this device's own place; where no network of ways is known, nothing is shown and the distance above stands.
import { api, config, store, text } from "/static/resident/page.js";

class BosaiRoute extends HTMLElement {
  connectedCallback() {
    this.status = this.querySelector("[role=status]");
    this.details = this.querySelector("details");
    this.onAdvised = ({ detail }) => this.follow(detail);
    this.onToggle = () => this.details.open && this.openMap();
    document.addEventListener("bosai-advised", this.onAdvised);
    this.details.addEventListener("toggle", this.onToggle);
  }

  disconnectedCallback() {
    document.removeEventListener("bosai-advised", this.onAdvised);
    this.details.removeEventListener("toggle", this.onToggle);
    this.forget();
  }

  // Asked anew only when the guidance is another one: areas that grow bring another one. Without a connection the way
  // that is shown stays, or the one kept with the message that is shown.
  async follow({ known, instruction, message }) {
    if (instruction === undefined) return this.showKept(message);
    const there = instruction?.destination;
    const wanted = known && there ? `${nameOf(instruction)} ${there.site_id ?? "inland"}` : "";
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    this.hidden = true;
    this.forget();
    if (!wanted) return store.put("way", null);
    try {
      const way = await this.ask(known, instruction, there.site_id);
      if (wanted !== this.wanted || !way?.known) return;
      await store.put("way", { of: nameOf(instruction), from: this.from, way, lang: config.html_lang });
      this.draw(way);
    } catch (error) {
      console.warn("no way on foot:", error.message); // the guidance above is whole without it
      this.wanted = null;
    }
  }

  async showKept(message) {
    if (this.way || !message) return;
    const kept = await store.get("way");
    if (kept?.of !== nameOf(message.bosai)) return;
    this.from = kept.from;
    this.draw(kept.way, kept.lang);
  }

  // Without a site the way leads out of the area, inland.
  async ask(known, instruction, site) {
    const { places } = await api("GET", `/subscriptions/${known.id}`, { secret: known.secret });
    const place = places.find((one) => one.place_id === instruction.place_id);
    if (!place) return null;
    this.from = { lon: place.lon, lat: place.lat };
    const step_free = (place.needs ?? []).includes("step_free");
    return api("POST", "/route", { body: { from: this.from, site, pace: place.pace ?? "unknown", step_free } });
  }

  // A way that was kept speaks the language it was asked for in.
  draw(way, lang = config.html_lang) {
    this.way = way;
    for (const part of this.querySelectorAll("[data-total], [data-steps], [data-notes]")) part.lang = lang;
    this.querySelector("[data-total]").textContent = way.total;
    this.querySelector("[data-steps]").replaceChildren(...way.steps.map(item));
    this.querySelector("[data-notes]").replaceChildren(...way.notes.map((words) => paragraph(words)));
    this.hidden = false;
    if (this.details.open) this.openMap();
  }

  async openMap() {
    if (this.map || !this.way) return;
    this.map = {}; // one at a time
    try {
      const { makeMap } = await import("/static/resident/map.js");
      this.map = await makeMap(this.querySelector(".map"), {
        centre: this.from, chosen: this.from, route: this.way.line, hazards: this.querySelector("[data-hazards]"),
      });
    } catch (error) {
      console.error(error);
      this.map = null;
      this.status.textContent = text("notify.map_failed");
    }
  }

  forget() {
    this.map?.remove?.();
    this.map = this.way = null;
  }
}

// Which guidance a way belongs to.
const nameOf = ({ incident, seq }) => `${incident} ${seq}`;

// The name of a road is Japanese in every language, and is read as such.
function item({ text: words, name }) {
  const made = document.createElement("li");
  const at = name ? words.indexOf(name) : -1;
  if (at < 0 || config.html_lang === "ja") {
    made.textContent = words;
    return made;
  }
  const named = document.createElement("span");
  named.lang = "ja";
  named.textContent = name;
  made.append(words.slice(0, at), named, words.slice(at + name.length));
  return made;
}

function paragraph(words) {
  const made = document.createElement("p");
  made.textContent = words;
  return made;
}
customElements.define("bosai-route", BosaiRoute);
