// <bosai-subscribe>: the form that registers this device for the chosen place, changes it, and deletes everything.
import { api, config, store, text, worker } from "/static/resident/page.js";
import { obstacle, subscribe, unsubscribe } from "/static/resident/push.js";
import { change, register } from "/static/resident/registration.js";

const WHOLE = /^\d+$/;

class BosaiSubscribe extends HTMLElement {
  connectedCallback() {
    this.hidden = false;
    this.form = this.querySelector("form");
    this.status = this.querySelector("[role=status]");
    this.error = this.querySelector("[data-error]");
    this.remove_ = this.querySelector("[data-delete]");
    this.onSubmit = (event) => {
      event.preventDefault();
      this.run(() => this.save());
    };
    this.onDelete = () => this.run(() => this.deleteAll());
    this.form.addEventListener("submit", this.onSubmit);
    this.remove_.addEventListener("click", this.onDelete);
    this.run(() => this.show());
  }

  disconnectedCallback() {
    this.form.removeEventListener("submit", this.onSubmit);
    this.remove_.removeEventListener("click", this.onDelete);
  }

  // One thing at a time; what goes wrong is said in words, beside the button.
  async run(work) {
    const buttons = this.querySelectorAll("button");
    this.error.hidden = true;
    for (const one of buttons) one.disabled = true;
    try {
      await work();
    } catch (error) {
      console.error(error);
      this.status.textContent = "";
      this.error.textContent = error.message;
      this.error.hidden = false;
    } finally {
      for (const one of buttons) one.disabled = false;
    }
  }

  async show() {
    const why = obstacle();
    if (why) {
      this.form.hidden = true;
      this.status.textContent = why;
      return;
    }
    const known = await store.get("subscription");
    this.form.hidden = !config.place;
    this.remove_.hidden = !known;
    this.querySelector("[data-choose]").hidden = Boolean(config.place || known);
    this.querySelector("[data-save]").textContent = text(known ? "notify.update" : "notify.button");
    this.querySelector("[data-permission]").hidden = Boolean(known);
    this.querySelector("[data-check]").hidden = !known;
    this.form.elements.checks.checked = known?.checks ?? true;
    if (known?.welfare_code) this.form.elements.welfare_code.value = known.welfare_code;
    this.status.textContent = known ? `${text("notify.on")} ${text("notify.place", { place: known.label })}` : "";
    if (known) worker().catch((error) => console.error(error)); // a new version of it, and the language of today
  }

  async save() {
    this.status.textContent = text("notify.working");
    const target = await subscribe(); // first, while the tap still counts as one
    const known = await store.get("subscription");
    const wanted = {
      subscription: target.toJSON(),
      lang: config.lang,
      places: [this.place()],
      checks: this.form.elements.checks.checked,
      today_only: this.form.elements.today.checked,
      welfare_code: this.form.elements.welfare_code.value.trim(),
    };
    const { label } = config.place;
    if (!(known && (await change({ ...known, label }, wanted)))) await register(wanted, label);
    await this.show();
    this.status.textContent = `${text("notify.done")} ${text("notify.place", { place: config.place.label })}`;
    this.dispatchEvent(new CustomEvent("bosai-subscribed", { bubbles: true }));
  }

  async deleteAll() {
    const known = await store.get("subscription");
    if (known) {
      try {
        await api("DELETE", `/subscriptions/${known.id}`, { secret: known.secret });
      } catch (error) {
        if (error.status !== 403 && error.status !== 404) throw error; // gone there already: go on
      }
    }
    await unsubscribe();
    await store.clear();
    await this.show();
    this.status.textContent = text("notify.deleted");
    this.dispatchEvent(new CustomEvent("bosai-subscribed", { bubbles: true }));
  }

  place() {
    const { lon, lat, label } = config.place;
    const answers = new FormData(this.form);
    const floor = answers.get("floor") ?? "";
    const persons = answers.get("persons") ?? "";
    return {
      place_id: "p1",
      label,
      lon,
      lat,
      is_cell: answers.get("cell") === "on",
      floor: WHOLE.test(floor) ? Number(floor) : null,
      structure: answers.get("structure"),
      persons: WHOLE.test(persons) ? Number(persons) : 1,
      pace: answers.get("pace"),
      needs: answers.getAll("needs"),
      relative: false,
    };
  }
}
customElements.define("bosai-subscribe", BosaiSubscribe);
