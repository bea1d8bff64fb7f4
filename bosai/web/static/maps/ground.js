// What lies under and over the areas of a map: our own roads where there are no base tiles, and one hazard map at a time
// with its legend in words. Shared by the resident's map and the console's.
import { levelOf, lookImage, swatch } from "/static/maps/looks.js";

const PROBE_ZOOM = 12;
const widths = (main, street, path) => ["match", ["get", "kind"], "main_road", main, ["road", "unknown"], street, path];
const ROAD_WIDTHS = ["interpolate", ["linear"], ["zoom"], 10, widths(1, 0.25, 0.1), 13, widths(2.5, 1, 0.5), 16, widths(5, 3, 1.5)];
const ROAD_COLOURS = ["match", ["get", "kind"], "main_road", "#8a8f98", "#a9aeb6"];

/** Which hazard maps and roads there are; null when that can not be asked. */
export async function readGround(prefix, lang) {
  try {
    const answer = await fetch(`${prefix}/api/v1/hazard-layers?lang=${lang}`);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

export class Ground {
  // below: the id of the layer that stays above everything of this.
  constructor(map, { prefix, listing, below }) {
    Object.assign(this, { map, prefix, listing, below, level: levelOf(map.getZoom()), hazard: null, roads: false });
    map.on("zoomend", () => this.follow());
    map.on("error", ({ sourceId, error }) => {
      console.error(error);
      if (sourceId === "hazard") this.onFailed?.();
    });
  }

  // Own roads where there are no base tiles, or where they do not come: a tile that is missing is no error to MapLibre.
  async showRoads(hasTiles) {
    if (!this.listing?.roads) return;
    if (hasTiles && (await this.hasTile())) this.map.getContainer().dataset.roads = "of the tiles";
    else this.addRoads();
  }

  async hasTile() {
    const { lng, lat } = this.map.getCenter();
    const across = 2 ** PROBE_ZOOM;
    const x = Math.floor(((lng + 180) / 360) * across);
    const y = Math.floor(((1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2) * across);
    const answer = await fetch(`/tiles/pale/${PROBE_ZOOM}/${x}/${y}.png`).catch(() => null);
    return Boolean(answer?.ok);
  }

  addRoads() {
    if (this.roads) return;
    this.roads = true;
    this.map.getContainer().dataset.roads = "own";
    this.map.addSource("roads", { type: "geojson", data: this.url("roads"), attribution: escaped(this.listing.roads_source) });
    const first = this.map.getLayer("hazard-fill") ? "hazard-fill" : this.below;
    this.map.addLayer({ id: "roads", type: "line", source: "roads",
      paint: { "line-color": ROAD_COLOURS, "line-width": ROAD_WIDTHS } }, first);
  }

  // Draws the hazard map `key`; null takes it away.
  show(key) {
    const layer = this.listing?.layers.find((one) => one.key === key) ?? null;
    this.hazard = layer;
    for (const id of ["hazard-fill", "hazard-pattern", "hazard-line"]) if (this.map.getLayer(id)) this.map.removeLayer(id);
    if (this.map.getSource("hazard")) this.map.removeSource("hazard");
    this.map.getContainer().dataset.hazard = layer?.key ?? "";
    if (!layer) return;
    this.map.addSource("hazard", { type: "geojson", data: this.url("hazards", layer.key), attribution: escaped(layer.source) });
    for (const one of layer.classes) {
      const name = `look-${one.pattern}`;
      if (!this.map.hasImage(name)) this.map.addImage(name, lookImage(one.pattern));
    }
    const by = (what, otherwise) => ["match", ["get", "class"], ...layer.classes.flatMap((one) => [one.code, what(one)]), otherwise];
    const sorted = { "fill-sort-key": ["get", "rank"] };
    this.add({ id: "hazard-fill", type: "fill", layout: sorted,
      paint: { "fill-color": by((one) => one.colour, "#b8b8c0"), "fill-opacity": 0.6 } });
    this.add({ id: "hazard-pattern", type: "fill", layout: sorted,
      paint: { "fill-pattern": by((one) => `look-${one.pattern}`, `look-${layer.classes[0].pattern}`), "fill-opacity": 0.35 } });
    this.add({ id: "hazard-line", type: "line", paint: { "line-color": "#4a4a50", "line-width": 0.8 } });
  }

  add(layer) {
    this.map.addLayer({ ...layer, source: "hazard" }, this.below);
  }

  // Finer shapes when one looks nearer.
  follow() {
    const level = levelOf(this.map.getZoom());
    if (level === this.level) return;
    this.level = level;
    if (this.roads) this.map.getSource("roads").setData(this.url("roads"));
    if (this.hazard) this.map.getSource("hazard").setData(this.url("hazards", this.hazard.key));
  }

  url(name, key) {
    const query = new URLSearchParams({ ...(key && { layer: key }), zoom: this.level });
    return `${location.origin}${this.prefix}/api/v1/${name}.geojson?${query}`;
  }
}

// A control of radio buttons and the legend of what is chosen, all in words; nothing where there is no map to choose.
export function hazardControl(ground, texts, { chosen = null } = {}) {
  const box = document.createElement("div");
  box.className = "hazards";
  const { listing } = ground;
  if (!listing) return box;
  if (!listing.known) {
    box.append(element("p", texts.nothing, { class: "muted" }));
    return box;
  }
  const choice = document.createElement("fieldset");
  choice.append(element("legend", texts.title));
  const legend = element("div", "", { "aria-live": "polite", class: "hazard-legend" });
  const choose = (layer) => {
    legend.replaceChildren(...(layer ? legendOf(layer, texts) : []));
    ground.show(layer?.key ?? null);
  };
  ground.onFailed = () => legend.replaceChildren(element("p", texts.failed, { class: "field-error" }));
  for (const layer of [null, ...listing.layers]) {
    const label = element("label", "", { class: "choice" });
    const radio = element("input", "", { type: "radio", name: "hazard-map", value: layer?.key ?? "", form: "" }); // of no form around it
    radio.checked = (layer?.key ?? null) === chosen;
    radio.addEventListener("change", () => choose(layer));
    label.append(radio, layer ? element("span", layer.name, { lang: layer.name_lang }) : element("span", texts.none));
    choice.append(label);
  }
  box.append(choice, legend);
  choose(listing.layers.find((one) => one.key === chosen) ?? null);
  return box;
}

function legendOf(layer, texts) {
  const list = document.createElement("ul");
  for (const one of layer.classes) {
    const row = document.createElement("li");
    row.append(swatch(one.colour, one.pattern), element("span", one.name, { lang: one.name_lang }));
    list.append(row);
  }
  const parts = [element("p", texts.legend, { class: "hazard-legend-title" }), list, element("p", texts.no_colour)];
  if (layer.sample) parts.unshift(element("p", texts.sample, { class: "sample-mark" }));
  const source = texts.source.replace("{source}", layer.source).replace("{version}", layer.version);
  parts.push(element("p", source, { class: "muted", lang: "ja" }));
  return parts;
}

function element(name, words, attributes = {}) {
  const made = document.createElement(name);
  if (words) made.textContent = words;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Attributions of a map are HTML. A map names what it shows; all of them would cover it on a phone.
function escaped(words) {
  const made = document.createElement("span");
  made.textContent = words;
  return made.innerHTML;
}
