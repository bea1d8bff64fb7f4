// <bosai-place>: choosing a place by this device's location or on the map. The answer is a page of the server's,
// so both lead to the same address that the town search leads to.
import { config, text } from "/static/resident/page.js";

const LOCATE_WAIT_MS = 15_000;
const DECIMALS = 4; // about 10 m; finer is not needed and not kept

export const go = (lon, lat) =>
  location.assign(`${config.prefix}/?lon=${lon.toFixed(DECIMALS)}&lat=${lat.toFixed(DECIMALS)}#here`);

class BosaiPlace extends HTMLElement {
  connectedCallback() {
    this.hidden = false;
    this.status = this.querySelector("[role=status]");
    this.locateButton = this.querySelector("[data-locate]");
    this.details = this.querySelector("details");
    this.onLocate = () => this.locate();
    this.onToggle = () => this.details.open && this.openMap();
    this.locateButton.hidden = !("geolocation" in navigator);
    this.locateButton.addEventListener("click", this.onLocate);
    this.details.addEventListener("toggle", this.onToggle);
  }

  disconnectedCallback() {
    this.locateButton.removeEventListener("click", this.onLocate);
    this.details.removeEventListener("toggle", this.onToggle);
    this.map?.remove();
  }

  locate() {
    this.locateButton.disabled = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => go(coords.longitude, coords.latitude),
      () => {
        this.locateButton.disabled = false;
        this.status.textContent = text("notify.location_denied");
      },
      { timeout: LOCATE_WAIT_MS, maximumAge: 60_000 },
    );
  }

  async openMap() {
    if (this.map) return;
    try {
      const { makeMap } = await import("/static/resident/map.js");
      this.map = await makeMap(this.querySelector(".map"), {
        centre: config.place ?? config.centre,
        chosen: config.place,
        route: config.route,
        hazards: this.querySelector("[data-hazards]"),
        onTap: ({ lon, lat }) => this.offer(lon, lat),
      });
    } catch (error) {
      console.error(error);
      this.status.textContent = text("notify.map_failed");
    }
  }

  offer(lon, lat) {
    const button = this.querySelector("[data-use]");
    button.hidden = false;
    button.onclick = () => go(lon, lat);
    button.focus();
  }
}
customElements.define("bosai-place", BosaiPlace);
