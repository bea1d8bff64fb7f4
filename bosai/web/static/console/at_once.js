// How many are inside, beside what is sent: asked for after the page is there, and nobody waits for the answer.
const people = document.getElementById("people");

if (people?.dataset.src) {
  people.textContent = "数えています…";
  try {
    const answer = await fetch(people.dataset.src, { signal: AbortSignal.timeout(8_000) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    people.innerHTML = await answer.text();
  } catch {
    people.textContent = "数えられませんでした。送信はできます。";
  }
}
