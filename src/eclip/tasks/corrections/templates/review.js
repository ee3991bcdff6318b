"use strict";
const decided = new Map();
const rows = [...document.querySelectorAll(".doubt")];
const keyOf = (row) => JSON.stringify([row.dataset.id, row.dataset.field]);

function show() {
  const changed = [...decided.values()].filter((each) => each.changed).length;
  document.getElementById("count").textContent = `${decided.size - changed} accepted, ${changed} corrected, ${rows.length - decided.size} open`;
  document.getElementById("export").disabled = decided.size === 0;
  for (const row of rows) {
    const decision = decided.get(keyOf(row));
    row.classList.toggle("done", decision !== undefined);
    row.querySelector(".undo").hidden = decision === undefined;
    row.querySelector(".said").textContent = decision === undefined ? "" : decision.changed ? `corrected: ${decision.value || "none"}` : "accepted";
  }
}

function decide(row, value) {
  const when = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  decided.set(keyOf(row), { value, changed: value !== row.dataset.value, when, row });
  show();
}

for (const row of rows) {
  const input = row.querySelector("input");
  row.querySelector(".accept").addEventListener("click", () => decide(row, row.dataset.value));
  row.querySelector(".correct").addEventListener("click", () => decide(row, input.value.trim()));
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") decide(row, input.value.trim()); });
  row.querySelector(".undo").addEventListener("click", () => { decided.delete(keyOf(row)); show(); });
}

document.getElementById("export").addEventListener("click", () => {
  const source = document.getElementById("who").value.trim();
  const corrections = [...decided.values()].map(({ value, when, row }) => (
    { product_id: row.dataset.id, field: row.dataset.field, value, corrected_at: when, source }
  ));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify({ corrections }, null, 1)], { type: "application/json" }));
  link.download = "corrections.json";
  link.click();
});
window.addEventListener("beforeunload", (event) => { if (decided.size) event.preventDefault(); });
