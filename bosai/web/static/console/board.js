// Freshens the situation board every ten seconds. What somebody is typing in is left alone.
const EVERY_MS = 10_000;
const GIVE_UP_MS = 8_000;

const line = document.getElementById("freshness");
const lost = document.getElementById("lost");
const board = document.getElementById("board");
let failures = 0;

async function freshen() {
  try {
    const answer = await fetch(line.dataset.src, { signal: AbortSignal.timeout(GIVE_UP_MS), redirect: "error" });
    if (answer.status === 401) return say("サインインが切れました。ページを読み込み直して、サインインしてください。");
    if (!answer.ok) throw new Error(String(answer.status));
    take(new DOMParser().parseFromString(await answer.text(), "text/html"));
    failures = 0;
    say("");
  } catch {
    failures += 1;
    const at = line.querySelector("time").textContent;
    say(`サーバーとつながりません（${failures}回）。この画面は ${at} の状況です。自動でつなぎ直しています。`);
  }
}

function take(fresh) {
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = document.getElementById(part.id);
    if (part.id === "read-at") {
      showTime(part.querySelector("time").dateTime);
    } else if (old && old.innerHTML !== part.innerHTML && !isTypedIn(old)) {
      replace(old, part);
    }
  }
}

function isTypedIn(part) {
  const focused = document.activeElement;
  if (part.contains(focused) && focused.matches("input, textarea, select")) return true;
  return [...part.querySelectorAll('input[type="text"]')].some((input) => input.value !== input.defaultValue);
}

function replace(old, part) {
  const open = new Set([...old.querySelectorAll("details[open][id]")].map((one) => one.id));
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused && markOf(focused);
  const aside = new Map([...old.querySelectorAll(".table-scroll")].map((one) => [markOf(one), one.scrollLeft]));
  old.innerHTML = part.innerHTML;
  for (const one of old.querySelectorAll(".table-scroll")) one.scrollLeft = aside.get(markOf(one)) ?? 0;
  for (const one of old.querySelectorAll("details[id]")) one.open = open.has(one.id);
  if (!mark) return;
  [...old.querySelectorAll("a, button, summary, [tabindex]")].find((one) => markOf(one) === mark)?.focus({ preventScroll: true });
}

// What tells an element from the others of its part.
function markOf(element) {
  return element.id || element.getAttribute("href") || element.getAttribute("aria-label");
}

function showTime(iso) {
  const time = line.querySelector("time");
  time.dateTime = iso;
  time.textContent = new Intl.DateTimeFormat("ja-JP", { timeStyle: "medium", timeZone: "Asia/Tokyo" }).format(new Date(iso));
}

function say(text) {
  if (lost.textContent === text) return;
  lost.textContent = text;
  lost.hidden = !text;
  board.classList.toggle("is-old", Boolean(text));
}

showTime(line.querySelector("time").dateTime);
setInterval(freshen, EVERY_MS);
addEventListener("online", freshen);
document.addEventListener("visibilitychange", () => { if (!document.hidden) freshen(); });
