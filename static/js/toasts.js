// Toasts: short messages at the lower right that disappear after a while; errors stay until they are closed.
"use strict";

(() => {
  const LEAVES_AFTER = 7000;

  function leaveLater(toast) {
    if (toast.classList.contains("toast--error")) return;
    let timer = setTimeout(() => toast.remove(), LEAVES_AFTER);
    toast.addEventListener("mouseenter", () => clearTimeout(timer));
    toast.addEventListener("focusin", () => clearTimeout(timer));
    toast.addEventListener("mouseleave", () => {
      timer = setTimeout(() => toast.remove(), LEAVES_AFTER);
    });
  }

  function toast(sentence, tone = "info") {
    const host = document.getElementById("toasts");
    const same = [...host.children].find((shown) => shown.querySelector("p").textContent === sentence);
    if (same) return;
    const made = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
    made.classList.add(`toast--${tone}`);
    made.querySelectorAll(".toast__icon").forEach((icon) => {
      if (!icon.classList.contains(`toast__icon--${tone}`)) icon.remove();
    });
    made.querySelector("p").textContent = sentence;
    host.append(made);
    leaveLater(made);
  }

  window.shell.toast = toast;

  document.addEventListener("click", (event) => {
    event.target.closest("[data-toast-close]")?.closest("[data-toast]").remove();
  });
  // A script may ask for a toast: an answer with the header HX-Trigger: {"toast": {"text": "…", "tone": "success"}}.
  document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.tone));
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-toast]").forEach(leaveLater);
  });
})();
