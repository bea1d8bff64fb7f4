// <bosai-age data-text="{minutes}…" data-hours="{hours}…" data-days="{days}…"><time datetime="…">…</time></bosai-age>:
// how old what it holds is, kept true, in the unit a person would use.
const STALE_MS = 10 * 60_000;
const HOUR_MIN = 60;
const DAY_MIN = 24 * HOUR_MIN;

export class BosaiAge extends HTMLElement {
  connectedCallback() {
    this.words = document.createElement("span");
    this.words.className = "age-words";
    this.append(" ", this.words);
    this.timer = setInterval(() => this.show(), 30_000);
    this.show();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    this.words.remove();
  }

  show() {
    const age_ms = Date.now() - Date.parse(this.querySelector("time").dateTime);
    this.toggleAttribute("stale", age_ms > STALE_MS);
    const minutes = Math.max(0, Math.floor(age_ms / 60_000));
    this.words.textContent = minutes === 0 ? "" : `（${this.inWords(minutes)}）`;
  }

  inWords(minutes) {
    if (minutes < HOUR_MIN) return this.dataset.text.replace("{minutes}", minutes);
    if (minutes < 2 * DAY_MIN) return this.dataset.hours.replace("{hours}", Math.floor(minutes / HOUR_MIN));
    return this.dataset.days.replace("{days}", Math.floor(minutes / DAY_MIN));
  }
}
customElements.define("bosai-age", BosaiAge);
