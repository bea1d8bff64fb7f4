// 「この端末へ試験送信」: subscribes this browser as a resident's would, and asks the service for one trial message.
// The answer stands beside the button; the notification itself is shown by the service worker.
import { obstacle, subscribe } from "/static/resident/push.js";

const button = document.getElementById("trial");
const said = document.getElementById("trial-said");

async function send() {
  const why = obstacle();
  if (why) throw new Error(why);
  const target = await subscribe(); // first, while the tap still counts as one
  const answer = await fetch(button.dataset.src, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(target.toJSON()),
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error([told.title, told.detail, told.mend].filter(Boolean).join(" ") || `HTTP ${answer.status}`);
  return told.text;
}

button.addEventListener("click", async () => {
  button.disabled = true;
  said.className = "trial-said";
  said.textContent = "送っています…";
  try {
    said.textContent = await send();
  } catch (error) {
    console.error(error);
    said.classList.add("warn-line");
    said.textContent = error instanceof TypeError ? "サーバーとつながりません。通信を確かめて、もう一度試してください。" : error.message;
  } finally {
    button.disabled = false;
  }
});
