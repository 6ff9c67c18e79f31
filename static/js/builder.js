// The builder of rules: undo and redo. Every answer of the server says in [data-rules] what the rules are; a change is
// noted, and undone by sending the rules of before to the server, which draws them again.
"use strict";

(() => {
  let history = [];
  let at = -1;
  let isRestoring = false;

  const current = () => document.querySelector("#rules [data-rules]")?.dataset.rules;

  function show() {
    const bar = document.querySelector("[data-rules-history]");
    if (!bar) return;
    bar.hidden = false;
    bar.querySelector("[data-rules-undo]").disabled = at < 1;
    bar.querySelector("[data-rules-redo]").disabled = at >= history.length - 1;
  }

  function note() {
    const rules = current();
    if (rules === undefined) {
      history = [];
      at = -1;
      return;
    }
    if (!isRestoring && rules !== history[at]) {
      history = [...history.slice(0, at + 1), rules].slice(-100);
      at = history.length - 1;
    }
    show();
  }

  function go(step) {
    if (!(at + step in history)) return;
    at += step;
    isRestoring = true;
    const bar = document.querySelector("[data-rules-history]");
    bar.querySelector("[name=rules_before]").value = history[at];
    bar.querySelector("[data-rules-restore]").click();
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-rules-undo]")) go(-1);
    if (event.target.closest("[data-rules-redo]")) go(1);
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id === "rules" || event.detail.elt?.id === "rules") isRestoring = false;
    note();
  });
  document.addEventListener("DOMContentLoaded", note);
})();
