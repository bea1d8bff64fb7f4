// <bosai-age data-text="{minutes}…"><time datetime="…">…</time></bosai-age>: how old what it holds is, kept true.
const STALE_MS = 10 * 60_000;

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
    this.words.textContent = `（${this.dataset.text.replace("{minutes}", minutes)}）`;
  }
}
customElements.define("bosai-age", BosaiAge);
