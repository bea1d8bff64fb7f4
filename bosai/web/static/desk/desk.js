// Makes the desk instant: taps on ±n are counted on the spot and sent together; what could not be sent is kept and sent
// again with how long ago it was so (a phone's clock may be wrong by hours, its seconds are not). Every button works
// without this file.
const panel = document.getElementById("panel");
const GATHER_MS = 700;
const GIVE_UP_MS = 10_000;
const REFRESH_MS = 15_000;
const PART = { "X-Bosai-Part": "panel" };

let gathered = 0; // sum of taps not sent yet
let timer = 0;
let waiting = null; // a report that could not be sent: {action, fields}
let sending = false;
let pressing = false; // a finger is down: what it presses must not be replaced under it

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (!panel.contains(form) || button?.value === "unusable") return; // 使用不可 asks first, on a page of its own
  event.preventDefault();
  if (button?.name === "delta") return tap(form.action, Number(button.value));
  const fields = new FormData(form, button);
  send(form.action, Object.fromEntries(fields));
});

function tap(action, step) {
  gathered += step;
  showGathered();
  clearTimeout(timer);
  timer = setTimeout(() => {
    const delta = gathered;
    gathered = 0;
    if (delta !== 0) send(action, { delta: String(delta) });
  }, GATHER_MS);
}

function showGathered() {
  const count = document.getElementById("count");
  count.textContent = Math.max(0, Number(count.dataset.count || 0) + gathered).toLocaleString("ja-JP");
}

async function send(action, fields, pressed_ms = Date.now()) {
  if (sending) return void setTimeout(() => send(action, fields, pressed_ms), 200);
  sending = true;
  panel.classList.add("is-sending");
  const age_s = Math.max(0, (Date.now() - pressed_ms) / 1000).toFixed(1);
  const body = new URLSearchParams({ ...fields, age_s });
  try {
    const answer = await fetch(action, { method: "POST", body, headers: PART, signal: AbortSignal.timeout(GIVE_UP_MS) });
    if (answer.status === 401 || answer.status === 404) return location.reload();
    if (answer.status >= 500) throw new Error(String(answer.status));
    waiting = null;
    show(await answer.text(), answer.ok ? fields : {}); // a refusal is a panel too, with the reason in it
  } catch {
    keep(action, fields, pressed_ms);
  } finally {
    sending = false;
    panel.classList.remove("is-sending");
  }
}

function keep(action, fields, pressed_ms) {
  // It may have arrived after all: sent again as a sum it would count twice, as the number shown it does not.
  const { delta, ...rest } = fields;
  waiting = { action, fields: delta ? { ...rest, present_persons: shownCount() } : fields, pressed_ms };
  const box = say("電波が届かず、まだ送れていません。つながり次第、もう一度送ります。", "unsent");
  const again = document.createElement("button");
  again.type = "button";
  again.className = "wide";
  again.textContent = "もう一度送る";
  again.addEventListener("click", retry);
  box.append(again);
}

function shownCount() {
  return document.getElementById("count").textContent.replaceAll(",", "");
}

function retry() {
  if (!waiting || sending) return;
  const { action, fields, pressed_ms } = waiting;
  send(action, fields, pressed_ms);
}

function say(text, kind) {
  const box = document.getElementById("say");
  const line = document.createElement("div");
  line.className = kind;
  line.setAttribute("role", "alert");
  line.textContent = text;
  box.replaceChildren(line);
  box.scrollIntoView({ block: "nearest" });
  return line;
}

async function refresh() {
  if (gathered !== 0 || document.activeElement?.matches("#panel input") || changedBoxes().length) return;
  try {
    const answer = await fetch(panel.dataset.src, { signal: AbortSignal.timeout(GIVE_UP_MS) });
    if (answer.status === 401) location.reload();
    else if (answer.ok) show(await answer.text());
  } catch {
    // The age of what is shown says enough; a report that can not be sent says so itself.
  }
}

// Boxes that were ticked or cleared and not reported yet.
function changedBoxes() {
  return [...panel.querySelectorAll(".facilities input")].filter((one) => one.checked !== one.defaultChecked);
}

// An answer may come while the next number is being typed, tapped or ticked: only what it answers goes.
function show(html, answered = {}) {
  if (pressing) return void setTimeout(() => show(html, answered), 50);
  const focused = document.activeElement;
  const typed = document.getElementById("present").value;
  const typing = focused?.id === "present";
  const again = focused && panel.contains(focused) && focused.name ? [focused.name, focused.value] : null;
  const boxes = answered.facilities ? [] : changedBoxes();
  panel.innerHTML = html;
  for (const { name, value, checked } of boxes) {
    panel.querySelector(`.facilities input[name="${name}"][value="${value}"]`).checked = checked;
  }
  const field = document.getElementById("present");
  if (typed !== (answered.present_persons ?? "")) field.value = typed;
  if (typing) field.focus({ preventScroll: true });
  if (gathered !== 0) showGathered();
  if (again) [...panel.querySelectorAll("button")].find((one) => one.name === again[0] && one.value === again[1])?.focus();
}

document.addEventListener("pointerdown", () => { pressing = true; });
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => setTimeout(() => { pressing = false; }));
setInterval(() => { if (waiting) retry(); else if (!sending) refresh(); }, REFRESH_MS);
addEventListener("online", retry);
