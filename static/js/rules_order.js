// The order of rules in the builder: a handle to drag a rule by, which also takes the arrow keys. The server moves the
// rule and draws all again; then the focus and a sentence for screen readers say where it is.
//
//   [data-rule]         a rule, with its path; [data-rule-group] a group, with its own
//   [data-rule-handle]  the handle; up and down press the buttons of the rule, right the one into a group
//   #rules[data-moved-to][data-moved-words]   what was moved, in the answer of the server
"use strict";

(() => {
  const KEYS = { ArrowUp: "up", ArrowDown: "down", ArrowRight: "into" };
  const EDGE = 48;
  let drag = null;
  let pressed = "handle";

  const clear = () =>
    document
      .querySelectorAll(".is-drop-before, .is-drop-after, .is-drop-inside")
      .forEach((each) => each.classList.remove("is-drop-before", "is-drop-after", "is-drop-inside"));

  const join = (group, place) => (group ? `${group}.${place}` : `${place}`);

  function beside(rule, after) {
    const parts = rule.dataset.rule.split(".");
    const place = Number(parts.pop()) + (after ? 1 : 0);
    return { at: rule, how: after ? "after" : "before", to: join(parts.join("."), place) };
  }

  function inside(group, place) {
    return { at: group, how: "inside", to: join(group.dataset.ruleGroup, place) };
  }

  // Where a rule would go that is dropped at a point: {at, how, to}, or nothing.
  function targetAt(x, y) {
    const found = document.elementFromPoint(x, y)?.closest("#rules [data-rule], #rules [data-rule-group], #rules .rule-word");
    if (!found || drag.rule.contains(found)) return null;
    if (found.matches(".rule-word")) return found.nextElementSibling ? beside(found.nextElementSibling, false) : null;
    const box = found.getBoundingClientRect();
    if (!("ruleGroup" in found.dataset)) return beside(found, y > box.top + box.height / 2);
    const head = found.querySelector(":scope > .rule-group__head").getBoundingClientRect();
    if ("rule" in found.dataset && y < head.top + head.height / 2) return beside(found, false);
    if ("rule" in found.dataset && y > box.bottom - 10) return beside(found, true);
    return inside(found, y < head.bottom ? 0 : found.querySelectorAll(":scope > [data-rule]").length);
  }

  function scrollNear(y) {
    const body = drag.rule.closest(".pane__body");
    if (!body) return;
    const box = body.getBoundingClientRect();
    if (y < box.top + EDGE) body.scrollBy(0, -14);
    if (y > box.bottom - EDGE) body.scrollBy(0, 14);
  }

  function end() {
    drag?.rule.classList.remove("is-dragged");
    drag = null;
    clear();
  }

  document.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest("[data-rule-handle]");
    if (!handle || event.button !== 0) return;
    drag = { rule: handle.closest("[data-rule]"), target: null };
    drag.rule.classList.add("is-dragged");
    handle.setPointerCapture(event.pointerId);
  });

  document.addEventListener("pointermove", (event) => {
    if (!drag) return;
    event.preventDefault();
    scrollNear(event.clientY);
    clear();
    drag.target = targetAt(event.clientX, event.clientY);
    drag.target?.at.classList.add(`is-drop-${drag.target.how}`);
  });

  document.addEventListener("pointerup", () => {
    if (!drag) return;
    const { rule, target } = drag;
    end();
    if (!target) return;
    const button = document.querySelector("#rules [data-rules-move]");
    button.value = `move:${rule.dataset.rule}>${target.to}`;
    pressed = "handle";
    button.click();
  });

  document.addEventListener("pointercancel", end);

  document.addEventListener(
    "keydown",
    (event) => {
      if (drag && event.key === "Escape") {
        event.preventDefault();
        end();
        return;
      }
      const handle = event.target.closest?.("[data-rule-handle]");
      const what = handle && KEYS[event.key];
      if (!what) return;
      event.preventDefault();
      document.getElementById(handle.id.replace("handle", what))?.click();
      pressed = "handle";
    },
    true,
  );

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#rules .rule-buttons [name=act]");
    if (button) pressed = button.id.split("-")[0];
  });

  document.addEventListener("htmx:afterSettle", () => {
    const rules = document.querySelector("#rules[data-moved-to]");
    if (!rules) return;
    const { movedTo, movedWords } = rules.dataset;
    delete rules.dataset.movedTo;
    (document.getElementById(`${pressed}-${movedTo}`) || document.getElementById(`handle-${movedTo}`))?.focus();
    const status = document.querySelector("[data-rules-status]");
    if (status) status.textContent = movedWords;
  });
})();
