// One map for the console: our own sites and areas as GeoJSON on a plain ground, so that it works when nothing else does.
import { Ground, hazardControl, readGround } from "/static/maps/ground.js";
import { LngLatBounds, Map as MapLibre, Marker, NavigationControl, ScaleControl, setWorkerUrl } from "maplibre-gl";

setWorkerUrl("/static/vendor/maplibre-gl/maplibre-gl-worker.mjs");

const BASE_CREDIT = '<a href="https://maps.gsi.go.jp/development/ichiran.html" target="_blank" rel="noopener">地理院タイル</a>';

/** A map in `element`, fitted to `bbox` ([west, south, east, north]); null where the browser can not draw one. */
export async function openMap(element, { prefix, bbox, tiles, maps }) {
  try {
    const listing = readGround(prefix, "ja");
    const map = new MapLibre({
      container: element,
      style: style(prefix),
      bounds: [[bbox[0], bbox[1]], [bbox[2], bbox[3]]],
      attributionControl: { compact: true }, // it closes when the map is moved
      dragRotate: false,
      pitchWithRotate: false,
      locale: {
        "NavigationControl.ZoomIn": "拡大",
        "NavigationControl.ZoomOut": "縮小",
        "Map.Title": "地図",
      },
    });
    map.touchZoomRotate.disableRotation();
    map.addControl(new NavigationControl({ showCompass: false }));
    map.addControl(new ScaleControl({}));
    await new Promise((done, failed) => {
      map.once("load", done);
      setTimeout(() => failed(new Error("the map did not load")), 15_000);
    });
    const ground = new Ground(map, { prefix, listing: await listing, below: "zones-fill" });
    if (tiles) layGround(map);
    ground.showRoads(tiles).catch((error) => console.warn("no roads:", error.message));
    document.getElementById("hazards")?.replaceChildren(hazardControl(ground, maps));
    nameSources(element, ground.listing?.attributions ?? []);
    return map;
  } catch (error) {
    console.warn("no map:", error.message);
    element.hidden = true;
    return null;
  }
}

/** Everything that was imported, in words below the map: on it there is room for what it shows alone. */
function nameSources(element, attributions) {
  const line = document.createElement("p");
  line.className = "muted map-sources";
  line.textContent = attributions.join("／");
  const controls = document.getElementById("hazards");
  if (controls) controls.append(line);
  else element.after(line);
}

/** The base map comes last and below: nothing ever waits for tiles that do not come. */
function layGround(map) {
  const tiles = [`${location.origin}/tiles/pale/{z}/{x}/{y}.png`];
  map.addSource("ground", { type: "raster", tiles, tileSize: 256, minzoom: 8, maxzoom: 18, attribution: BASE_CREDIT });
  const lowest = map.getStyle().layers[1].id; // above the plain background, below everything that is ours
  map.addLayer({ id: "tiles", type: "raster", source: "ground" }, lowest);
}

/** Shows `feature(s)` as the area in question and moves the view there. */
export function showArea(map, geojson) {
  const source = map.getSource("chosen");
  if (source) {
    source.setData(geojson);
  } else {
    map.addSource("chosen", { type: "geojson", data: geojson });
    map.addLayer({ id: "chosen-fill", type: "fill", source: "chosen", paint: { "fill-color": "#0017c1", "fill-opacity": 0.2 } });
    map.addLayer({ id: "chosen-line", type: "line", source: "chosen", paint: { "line-color": "#0017c1", "line-width": 3 } });
  }
  const bounds = new LngLatBounds();
  eachPosition(geojson, (position) => bounds.extend(position));
  if (!bounds.isEmpty()) map.fitBounds(bounds, { padding: 40, maxZoom: 15, animate: false });
}

/** Town names as plain text markers ([name, lon, lat]), as many as fit: the ground has no labels of its own. */
export function nameTowns(map, towns) {
  let shown = [];
  const refresh = () => {
    for (const one of shown) one.remove();
    const { clientWidth: width, clientHeight: height } = map.getContainer();
    const taken = [];
    shown = [];
    for (const [name, lon, lat] of towns) {
      const { x, y } = map.project([lon, lat]);
      const half = name.length * 6.5 + 4;
      const inside = x > half && x < width - half && y > 8 && y < height - 8;
      if (!inside || taken.some((one) => Math.abs(one.x - x) < one.half + half && Math.abs(one.y - y) < 18)) continue;
      taken.push({ x, y, half });
      shown.push(new Marker({ element: label(name) }).setLngLat([lon, lat]).addTo(map));
    }
  };
  map.on("moveend", refresh);
  refresh();
}

function label(name) {
  const element = document.createElement("span");
  element.className = "town-name";
  element.textContent = name;
  element.setAttribute("aria-hidden", "true");
  return element;
}

function eachPosition(thing, take) {
  if (Array.isArray(thing)) {
    if (typeof thing[0] === "number") take(thing);
    else for (const one of thing) eachPosition(one, take);
  } else if (thing && typeof thing === "object") {
    eachPosition(thing.features ?? thing.geometry ?? thing.coordinates ?? [], take);
  }
}

function style(prefix) {
  return {
    version: 8,
    sources: {
      zones: { type: "geojson", data: `${prefix}/api/v1/zones.geojson` },
      areas: { type: "geojson", data: `${prefix}/api/v1/areas.geojson` },
      sites: { type: "geojson", data: `${prefix}/api/v1/sites.geojson` },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": "#eef0ee" } },
      { id: "zones-fill", type: "fill", source: "zones", paint: { "fill-color": "#4a7fb5", "fill-opacity": 0.12 } },
      { id: "zones-line", type: "line", source: "zones", paint: { "line-color": "#4a7fb5", "line-width": 1, "line-dasharray": [3, 2] } },
      { id: "areas-fill", type: "fill", source: "areas", paint: { "fill-color": "#aa00aa", "fill-opacity": 0.18 } },
      { id: "areas-line", type: "line", source: "areas", paint: { "line-color": "#aa00aa", "line-width": 2 } },
      {
        id: "sites",
        type: "circle",
        source: "sites",
        paint: {
          "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, 2.5, 14, 7],
          "circle-color": ["match", ["get", "opening"], ["open", "always"], "#197a4b", ["closed", "unusable"], "#c00000", "#a13e00"],
          "circle-stroke-color": "#fff",
          "circle-stroke-width": 1,
        },
      },
    ],
  };
}
