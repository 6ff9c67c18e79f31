// The dialog to search an attribute for a condition: arrows move through the list, and what is chosen goes into the
// control of the condition, which asks the server for the comparisons of it.
"use strict";

(() => {
  const itemsOf = (dialog) => [dialog.querySelector("[type=search]"), ...dialog.querySelectorAll("[data-choose-attribute]")];

  document.addEventListener("keydown", (event) => {
    const dialog = event.target.closest?.("[data-attribute-choices]");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!dialog || !step) return;
    const items = itemsOf(dialog);
    const next = items[items.indexOf(event.target) + step];
    event.preventDefault();
    next?.focus();
  });

  document.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-choose-attribute]");
    if (!chosen) return;
    const control = document.getElementById(chosen.dataset.for);
    chosen.closest("[data-dialog-frame]").querySelector("[data-dialog-close]").click();
    if (!control) return;
    control.value = chosen.dataset.chooseAttribute;
    control.focus();
    control.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
