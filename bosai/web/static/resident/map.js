// The resident's map: our own areas and sites as GeoJSON, which work when nothing else does, over base tiles if any.
import { AttributionControl, LngLatBounds, Map as GlMap, Marker, NavigationControl, setWorkerUrl } from "maplibre-gl";
import { Ground, hazardControl, readGround } from "/static/maps/ground.js";
import { config } from "/static/resident/page.js";

setWorkerUrl("/static/vendor/maplibre-gl/maplibre-gl-worker.mjs");

const OPENING_COLOURS = ["match", ["get", "opening"],
  ["open", "always"], "#197a4b", "expected", "#b36b00", /* closed, unusable */ "#6b6b70"];
const AREA_COLOURS = ["case",
  ["==", ["get", "tsunami_class"], "major_warning"], "#c800ff",
  ["==", ["get", "tsunami_class"], "warning"], "#ff2800",
  ["==", ["get", "tsunami_class"], "advisory"], "#faf500",
  ["==", ["get", "level"], 5], "#0c000c",
  ["==", ["get", "level"], 4], "#aa00aa",
  "#ff2800"];

const BASE_CREDIT = '<a href="https://maps.gsi.go.jp/development/ichiran.html" target="_blank" rel="noopener">地理院タイル</a>';

const geojson = (name) => ({ type: "geojson", data: `${location.origin}${config.prefix}/api/v1/${name}.geojson` });

const style = () => ({
  version: 8,
  sources: { areas: geojson("areas"), sites: geojson("sites") },
  layers: [
    { id: "ground", type: "background", paint: { "background-color": "#eef1f3" } },
    { id: "areas", type: "fill", source: "areas", paint: { "fill-color": AREA_COLOURS, "fill-opacity": 0.3 } },
    { id: "area-edges", type: "line", source: "areas", paint: { "line-color": AREA_COLOURS, "line-width": 3 } },
    { id: "sites", type: "circle", source: "sites", filter: ["get", "public"], paint: {
      "circle-color": OPENING_COLOURS, "circle-radius": 7, "circle-stroke-color": "#ffffff", "circle-stroke-width": 2 } },
  ],
});

// A map in `container`; `onTap` gets {lon, lat}; `route`: a GeoJSON line to draw; `hazards`: where the choice of hazard
// maps and their legend go. Rejects when this browser cannot draw it.
export async function makeMap(container, { centre, chosen, onTap, route, hazards }) {
  const listing = readGround(config.prefix, config.lang);
  const map = new GlMap({
    container,
    style: style(),
    center: [centre.lon, centre.lat],
    zoom: chosen ? 13 : 10.5,
    attributionControl: false,
    locale: {
      "NavigationControl.ZoomIn": config.maps.zoom_in,
      "NavigationControl.ZoomOut": config.maps.zoom_out,
      "Map.Title": config.maps.map,
    },
  });
  map.addControl(new NavigationControl({ showCompass: false }));
  map.addControl(new AttributionControl({ compact: true }));
  const mark = new Marker({ color: "#0017c1" });
  if (chosen) mark.setLngLat([chosen.lon, chosen.lat]).addTo(map);
  if (onTap) {
    map.on("click", ({ lngLat }) => {
      mark.setLngLat(lngLat).addTo(map);
      onTap({ lon: lngLat.lng, lat: lngLat.lat });
    });
  }
  await new Promise((resolve) => map.once("load", resolve));
  if (config.tiles) layBase(map);
  const ground = new Ground(map, { prefix: config.prefix, listing: await listing, below: "areas" });
  ground.showRoads(config.tiles).catch((error) => console.warn("no roads:", error.message)); // nothing waits for it
  if (hazards) hazards.replaceChildren(hazardControl(ground, config.maps, { chosen: firstShown(ground.listing) }));
  if (route) drawRoute(map, route);
  else if (!chosen) await showDanger(map);
  return map;
}

// The base map comes last and below: a map that waits for tiles that do not come is never drawn.
function layBase(map) {
  const tiles = [`${location.origin}/tiles/pale/{z}/{x}/{y}.png`];
  map.addSource("base", { type: "raster", tiles, tileSize: 256, minzoom: 8, maxzoom: 18, attribution: BASE_CREDIT });
  map.addLayer({ id: "base", type: "raster", source: "base" }, "areas");
}

// While an order is in force its area stands alone; whoever wants the hazard map beside it chooses it.
const firstShown = (listing) => (config.order_in_force === false && listing?.layers[0]?.key) || null;

function drawRoute(map, line) {
  map.addSource("route", { type: "geojson", data: { type: "Feature", properties: {}, geometry: line } });
  const layout = { "line-cap": "round", "line-join": "round" };
  map.addLayer({ id: "route-edge", type: "line", source: "route", layout, paint: { "line-color": "#ffffff", "line-width": 9 } }, "sites");
  map.addLayer({ id: "route", type: "line", source: "route", layout, paint: { "line-color": "#0017c1", "line-width": 5 } }, "sites");
  // The way ends at the road: a ring says where among the sites beside it.
  const end = { type: "Point", coordinates: line.coordinates.at(-1) };
  map.addSource("route-end", { type: "geojson", data: { type: "Feature", properties: {}, geometry: end } });
  map.addLayer({ id: "route-end", type: "circle", source: "route-end", paint: {
    "circle-radius": 14, "circle-opacity": 0, "circle-stroke-color": "#0017c1", "circle-stroke-width": 4 } });
  const bounds = new LngLatBounds();
  for (const position of line.coordinates) bounds.extend(position);
  map.fitBounds(bounds, { padding: 40, maxZoom: 16, animate: false });
}

// Whoever has chosen no place yet sees first where an order is in force.
async function showDanger(map) {
  const source = await map.getSource("areas").getData();
  const bounds = new LngLatBounds();
  const take = (thing) => (typeof thing[0] === "number" ? bounds.extend(thing) : thing.forEach(take));
  for (const one of source.features) take(one.geometry.coordinates);
  if (!bounds.isEmpty()) map.fitBounds(bounds, { padding: 24, maxZoom: 13, animate: false });
}
