// Find anything: Ctrl+K or ⌘K opens the dialog, the arrow keys choose a match, Enter opens it. The matches that a
// user opened last come first; they are kept in this browser, by user name, without customers.
//
//   data-find-open    opens the dialog
//   data-find-input   the search field; data-find-match is a match, data-find-kept one that is kept
"use strict";

(() => {
  const MOST_KEPT = 8;
  const storageKey = () => `found:${document.body.dataset.user}`;
  const matches = () => [...document.querySelectorAll("[data-find-match]")];
  const input = () => document.querySelector("[data-find-input]");
  let typedMeanwhile = null; // while the dialog is being loaded

  function kept() {
    try {
      const found = JSON.parse(localStorage.getItem(storageKey()) || "[]");
      return Array.isArray(found) ? found.filter((url) => typeof url === "string") : [];
    } catch {
      return [];
    }
  }

  function keep(url) {
    try {
      const urls = [url, ...kept().filter((other) => other !== url)];
      localStorage.setItem(storageKey(), JSON.stringify(urls.slice(0, MOST_KEPT)));
    } catch {
      // Without storage nothing is kept.
    }
  }

  function putKeptFirst() {
    const urls = kept();
    const place = (match) => {
      const at = urls.indexOf(match.getAttribute("href"));
      return at < 0 ? urls.length : at;
    };
    for (const group of document.querySelectorAll("[data-find-group]")) {
      const sorted = [...group.querySelectorAll("[data-find-match]")].sort((one, other) => place(one) - place(other));
      group.append(...sorted);
    }
    const groups = [...document.querySelectorAll("[data-find-group]")];
    const first = (group) => Math.min(...[...group.querySelectorAll("[data-find-match]")].map(place));
    groups.sort((one, other) => first(one) - first(other)).forEach((group) => group.parentElement.append(group));
  }

  function choose(match) {
    for (const other of matches()) other.setAttribute("aria-selected", String(other === match));
    if (match) {
      input()?.setAttribute("aria-activedescendant", match.id);
      match.scrollIntoView({ block: "nearest" });
    } else {
      input()?.removeAttribute("aria-activedescendant");
    }
  }

  const chosen = () => matches().find((match) => match.getAttribute("aria-selected") === "true");

  function show() {
    if (!input()) return;
    if (typedMeanwhile) {
      input().value = typedMeanwhile;
      // htmx listens to the form only after this event.
      setTimeout(() => input()?.dispatchEvent(new Event("input", { bubbles: true })));
    }
    typedMeanwhile = null;
    putKeptFirst();
    choose(matches()[0]);
  }

  function move(step) {
    const all = matches();
    if (!all.length) return;
    choose(all[(all.indexOf(chosen()) + step + all.length) % all.length]);
  }

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      const opener = document.querySelector("[data-find-open]");
      if (!opener || document.getElementById("sign-in-again")?.childElementCount) return;
      event.preventDefault();
      if (input()) {
        input().focus();
      } else if (!document.getElementById("dialog").childElementCount) {
        typedMeanwhile = "";
        opener.click();
      }
      return;
    }
    if (typedMeanwhile !== null && !input()) {
      if (event.key.length > 1 || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      typedMeanwhile += event.key;
      return;
    }
    if (!event.target.matches?.("[data-find-input]")) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && chosen()) {
      event.preventDefault();
      chosen().click();
    }
  });

  document.addEventListener("click", (event) => {
    const match = event.target.closest("[data-find-match]");
    if (!match) return;
    if (match.hasAttribute("data-find-kept")) keep(match.getAttribute("href"));
    if (event.ctrlKey || event.metaKey || event.shiftKey || !match.closest("#dialog")) return;
    // The page takes the dialog's place in the history: Back leads to where the dialog was opened.
    event.preventDefault();
    window.location.replace(match.href);
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.matches?.("[data-find-open]") && !event.detail.successful) typedMeanwhile = null;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "find-results" || event.detail.target.querySelector?.("[data-find]")) show();
  });
  show();
})();
