// The compose form with script: only legal kinds, a filter for towns, drawing on the map. The server checks it all again.
const data = JSON.parse(document.getElementById("page-data").textContent);
const form = document.getElementById("compose");
const drawn = document.getElementById("drawn");
const help = document.getElementById("draw-help");
const ALIVE_EVERY_MS = 5 * 60_000;
let restoring = false;

// ---- which kinds go with which hazard ------------------------------------------------------------

function hazard() {
  return form.querySelector('input[name="hazard"]:checked, input[name="hazard"][type="hidden"]')?.value ?? "";
}

function showLegal() {
  const legal = data.legal[hazard()] ?? [];
  for (const label of form.querySelectorAll("[data-kind]")) {
    label.hidden = !legal.includes(label.dataset.kind);
    if (label.hidden) label.querySelector("input").checked = false;
  }
  document.getElementById("kind-wait").hidden = legal.length > 0;
  document.getElementById("by-level4").hidden = !legal.includes("emergency_safety"); // no levels beside a tsunami
  document.getElementById("tsunami_class").hidden = hazard() !== "tsunami";
  const kind = form.querySelector('input[name="kind"]:checked')?.value ?? "";
  const foretold = (data.foretold[hazard()] ?? []).includes(kind);
  document.getElementById("expected_arrival_at").hidden = hazard() !== "tsunami" && !foretold;
}

// ---- towns ---------------------------------------------------------------------------------------

function filterTowns(input) {
  const wanted = input.value.trim().toLowerCase().replace(/[\u30a1-\u30f6]/g, (one) => String.fromCharCode(one.charCodeAt(0) - 0x60));
  let found = 0;
  for (const ward of form.querySelectorAll(".ward-towns")) {
    let here = 0;
    for (const label of ward.querySelectorAll("[data-words]")) {
      label.hidden = Boolean(wanted) && !label.dataset.words.includes(wanted);
      if (!label.hidden) here += 1;
    }
    ward.hidden = here === 0;
    if (wanted) ward.open = here > 0;
    found += here;
  }
  document.getElementById("town-found").textContent = wanted ? `${found}町が見つかりました` : "";
}

// ---- drawing -------------------------------------------------------------------------------------

async function startDrawing() {
  // Brought later: choosing must not wait for a map.
  const { openMap, nameTowns, showArea } = await import("./map.js");
  const map = await openMap(document.getElementById("map"), { ...data, bbox: townsBox() });
  if (!map) {
    noMap();
    return;
  }
  nameTowns(map, data.towns);
  const ticked = followTicks(map, showArea);
  const { TerraDraw, TerraDrawPolygonMode, TerraDrawSelectMode } = await import("terra-draw");
  const { TerraDrawMapLibreGLAdapter } = await import("terra-draw-maplibre-gl-adapter");
  const editable = { feature: { draggable: true, coordinates: { midpoints: true, draggable: true, deletable: true } } };
  const draw = new TerraDraw({
    adapter: new TerraDrawMapLibreGLAdapter({ map }),
    modes: [new TerraDrawPolygonMode(), new TerraDrawSelectMode({ flags: { polygon: editable } })],
  });
  draw.start();
  restore(draw);
  ticked();
  draw.on("finish", () => {
    keep(draw);
    draw.setMode("select");
    tell("描いた区域を下の座標に入れました。名前を付けてください。");
  });
  draw.on("change", (_, what) => { if (what === "delete" && !restoring) keep(draw); });
  const press = (id, act) => document.getElementById(id).addEventListener("click", act);
  press("draw-start", () => { draw.setMode("polygon"); tell("角を順にクリックし、最後に始点をクリックすると閉じます。Esc でやめます。"); });
  press("draw-edit", () => { draw.setMode("select"); tell("区域をクリックして選び、角を動かします。"); });
  press("draw-clear", () => { draw.clear(); drawn.value = ""; ticked(); tell("描いた区域を消しました。"); });
  for (const one of document.querySelectorAll("#draw-tools button")) one.disabled = false;
  tell("");
  drawn.addEventListener("change", () => { restore(draw); ticked(); });
  form.dataset.drawing = "ready";
}

function keep(draw) {
  const polygons = draw.getSnapshot()
    .filter((one) => one.geometry.type === "Polygon" && !one.properties.currentlyDrawing)
    .map((one) => one.geometry.coordinates);
  drawn.value = polygons.length ? JSON.stringify({ type: "MultiPolygon", coordinates: polygons }) : "";
}

/** The city as people live in it: the frame of its towns, not of its mountains and its sea. */
function townsBox() {
  if (data.towns.length === 0) return data.bbox;
  const lons = data.towns.map((one) => one[1]);
  const lats = data.towns.map((one) => one[2]);
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}

/** Shows what is ticked in the lists, with what is drawn, and moves the view there; gives what shows it anew. */
function followTicks(map, showArea) {
  let turn = 0;
  const show = async () => {
    const mine = (turn += 1);
    const keys = [...form.querySelectorAll('input[name="zone"]:checked')].map((one) => one.value);
    let features = [];
    if (keys.length > 0) {
      const query = new URLSearchParams(keys.map((key) => ["zone", key]));
      const answer = await fetch(`${data.prefix}/hq/area.geojson?${query}`).catch(() => null);
      if (answer?.ok) features = (await answer.json()).features;
      else tell("選んだ区域を地図に出せません。一覧の選択はそのまま使えます。");
    }
    if (mine !== turn) return; // ticked again meanwhile
    const coordinates = polygonsOf(drawn.value);
    if (coordinates.length > 0) features.push({ type: "Feature", properties: {}, geometry: { type: "MultiPolygon", coordinates } });
    showArea(map, { type: "FeatureCollection", features });
    form.dataset.shown = keys.join(" ");
    form.dataset.drawn = coordinates.length ? coordinates[0][0].length : "";
  };
  form.addEventListener("change", (event) => { if (event.target.name === "zone") show(); });
  return show;
}

function restore(draw) {
  const polygons = polygonsOf(drawn.value);
  restoring = true; // emptying the map for what was typed must not empty the field it was typed into
  draw.clear();
  restoring = false;
  if (polygons.length === 0) return;
  draw.addFeatures(polygons.map((coordinates) => ({
    type: "Feature",
    properties: { mode: "polygon" },
    geometry: { type: "Polygon", coordinates: coordinates.map((ring) => ring.map(([lon, lat]) => [short(lon), short(lat)])) },
  })));
}

function short(degrees) {
  return Math.round(degrees * 1e7) / 1e7;
}

function polygonsOf(text) {
  try {
    const found = JSON.parse(text);
    const geometry = found.geometry ?? found;
    if (geometry.type === "Polygon") return [geometry.coordinates];
    return geometry.type === "MultiPolygon" ? geometry.coordinates : [];
  } catch {
    return linesOf(text);
  }
}

/** 「経度, 緯度」 a line (or 緯度, 経度), as the field invites to: one polygon from three lines on, none before. */
function linesOf(text) {
  const lines = text.normalize("NFKC").trim().split(/\n+/);
  const pairs = lines.map((line) => line.trim().split(/[\s,、]+/).map(Number));
  const points = pairs.map((one) => (Math.abs(one[0]) <= 90 ? one.toReversed() : one));
  if (points.length < 3 || points.some((one) => one.length !== 2 || one.some(Number.isNaN))) return [];
  return [[[...points, points[0]]]];
}

function noMap() {
  document.getElementById("draw-tools").hidden = true;
  document.getElementById("map").hidden = true;
  tell("この端末では地図に描けません。座標か一覧を使ってください。");
}

function tell(text) {
  help.textContent = text;
}

// ---- start ---------------------------------------------------------------------------------------

form.addEventListener("change", (event) => { if (["hazard", "kind"].includes(event.target.name)) showLegal(); });
showLegal();
const filter = document.getElementById("town-filter");
filter.addEventListener("input", () => filterTowns(filter));
filter.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
// A long text must not be lost to an idle session.
setInterval(() => fetch(`${data.prefix}/hq/alive`).catch(() => undefined), ALIVE_EVERY_MS);
document.getElementById("trouble")?.focus();
startDrawing().catch((error) => { console.warn("no drawing:", error.message); noMap(); });
