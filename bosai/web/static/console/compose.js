// The compose form with script: only legal kinds, a filter for towns, drawing on the map. The server checks it all again.
const data = JSON.parse(document.getElementById("page-data").textContent);
const form = document.getElementById("compose");
const drawn = document.getElementById("drawn");
const help = document.getElementById("draw-help");
const ALIVE_EVERY_MS = 5 * 60_000;

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
  document.getElementById("tsunami_class").hidden = hazard() !== "tsunami";
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
  const map = await openMap(document.getElementById("map"), data);
  if (!map) {
    noMap();
    return;
  }
  nameTowns(map, data.towns);
  const { TerraDraw, TerraDrawPolygonMode, TerraDrawSelectMode } = await import("terra-draw");
  const { TerraDrawMapLibreGLAdapter } = await import("terra-draw-maplibre-gl-adapter");
  const editable = { feature: { draggable: true, coordinates: { midpoints: true, draggable: true, deletable: true } } };
  const draw = new TerraDraw({
    adapter: new TerraDrawMapLibreGLAdapter({ map }),
    modes: [new TerraDrawPolygonMode(), new TerraDrawSelectMode({ flags: { polygon: editable } })],
  });
  draw.start();
  restore(draw, map, showArea);
  draw.on("finish", () => {
    keep(draw);
    draw.setMode("select");
    tell("描いた区域を下の座標に入れました。名前を付けてください。");
  });
  draw.on("change", (_, what) => { if (what === "delete") keep(draw); });
  const press = (id, act) => document.getElementById(id).addEventListener("click", act);
  press("draw-start", () => { draw.setMode("polygon"); tell("角を順にクリックし、最後に始点をクリックすると閉じます。Esc でやめます。"); });
  press("draw-edit", () => { draw.setMode("select"); tell("区域をクリックして選び、角を動かします。"); });
  press("draw-clear", () => { draw.clear(); drawn.value = ""; tell("描いた区域を消しました。"); });
  for (const one of document.querySelectorAll("#draw-tools button")) one.disabled = false;
  tell("");
  drawn.addEventListener("change", () => restore(draw, map, showArea));
  form.dataset.drawing = "ready";
}

function keep(draw) {
  const polygons = draw.getSnapshot()
    .filter((one) => one.geometry.type === "Polygon" && !one.properties.currentlyDrawing)
    .map((one) => one.geometry.coordinates);
  drawn.value = polygons.length ? JSON.stringify({ type: "MultiPolygon", coordinates: polygons }) : "";
}

function restore(draw, map, showArea) {
  const polygons = polygonsOf(drawn.value);
  draw.clear();
  if (polygons.length === 0) return;
  draw.addFeatures(polygons.map((coordinates) => ({
    type: "Feature",
    properties: { mode: "polygon" },
    geometry: { type: "Polygon", coordinates: coordinates.map((ring) => ring.map(([lon, lat]) => [short(lon), short(lat)])) },
  })));
  showArea(map, { type: "MultiPolygon", coordinates: polygons });
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
    return [];
  }
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

form.addEventListener("change", (event) => { if (event.target.name === "hazard") showLegal(); });
showLegal();
const filter = document.getElementById("town-filter");
filter.addEventListener("input", () => filterTowns(filter));
filter.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
// A long text must not be lost to an idle session.
setInterval(() => fetch(`${data.prefix}/hq/alive`).catch(() => undefined), ALIVE_EVERY_MS);
document.getElementById("trouble")?.focus();
startDrawing().catch((error) => { console.warn("no drawing:", error.message); noMap(); });
