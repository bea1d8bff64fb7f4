// Copying a text as it stands. Without script, or without the clipboard, people select it themselves.
const said = document.getElementById("copied");

for (const button of document.querySelectorAll("button.copy")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = `${button.textContent}しました。`;
    } catch {
      said.textContent = "コピーできませんでした。文を選択してコピーしてください。";
    }
  });
}
