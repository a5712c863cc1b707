"""What an exported page does when one searches it. It reads its own document and nothing else."""

SCRIPT = """
"use strict";
(() => {
  const list = document.getElementById("conversation");
  const search = document.getElementById("search");
  const errors = document.getElementById("errors");
  const sequence = document.getElementById("sequence");
  const found = document.getElementById("found");
  const rows = Array.from(list.children);
  const pressed = (button) => button.getAttribute("aria-pressed") === "true";
  const texts = new Map();
  const text = (row) => {
    if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
    return texts.get(row);
  };
  const choose = () => {
    const words = search.value.toLowerCase().split(" ").filter(Boolean);
    const only = pressed(errors);
    let shown = 0;
    for (const row of rows) {
      const wanted = (!only || row.classList.contains("failed")) && words.every((word) => text(row).includes(word));
      row.hidden = !wanted;
      shown += wanted ? 1 : 0;
    }
    found.textContent = shown === rows.length ? "" : `${shown} of ${rows.length}`;
  };
  let later = 0;
  search.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(choose, 150);
  });
  const toggle = (button, then) => button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!pressed(button)));
    then();
  });
  toggle(errors, choose);
  toggle(sequence, () => list.parentElement.classList.toggle("sequence", pressed(sequence)));
  document.querySelector(".tools").hidden = false;
})();
"""
