// The page of one version: the figures come by themselves, and the area is drawn. Both stand in words without script.
import { openMap, showArea } from "./map.js";

const data = JSON.parse(document.getElementById("page-data").textContent);

async function showPreview() {
  const section = document.getElementById("preview-section");
  if (!section?.dataset.src) return;
  const box = document.getElementById("preview");
  box.textContent = "計画に問い合わせています（最大5秒）…";
  try {
    const answer = await fetch(section.dataset.src, { signal: AbortSignal.timeout(15_000) });
    if (!answer.ok) throw new Error(String(answer.status));
    box.innerHTML = await answer.text();
  } catch {
    box.textContent = "人数と行き先を読めませんでした。ページを読み込み直してください。";
    box.className = "warn-line";
  }
}

async function drawArea() {
  const map = await openMap(document.getElementById("map"), data);
  if (!map) return;
  const answer = await fetch(data.area);
  if (answer.ok) showArea(map, await answer.json());
}

document.getElementById("trouble")?.focus();
showPreview();
drawArea();
