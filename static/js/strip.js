// A strip of cells: one stop for Tab, arrow keys go along it.
//
//   data-strip   on the element whose links are the cells
"use strict";

document.addEventListener("keydown", (event) => {
  const strip = event.target.closest?.("[data-strip]");
  if (!strip) return;
  const cells = [...strip.querySelectorAll("a")];
  const at = cells.indexOf(event.target);
  const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: cells.length - 1 };
  if (at < 0 || !(event.key in to)) return;
  event.preventDefault();
  cells[Math.min(Math.max(to[event.key], 0), cells.length - 1)].focus();
});
