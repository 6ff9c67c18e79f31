// Command bars keep their height: commands that do not fit go into a menu at the end of the bar.
//
//   .command-bar__commands   the bar; each .command in it that is not hidden counts, forms around them do not
"use strict";

(() => {
  const bars = () => document.querySelectorAll(".command-bar__commands");
  const commandsIn = (bar) => [...bar.querySelectorAll(".command")].filter((command) => !command.hidden);

  function menuOf(bar) {
    const found = bar.querySelector("[data-overflow]");
    if (found) return found;
    const menu = document.getElementById("overflow-template").content.firstElementChild.cloneNode(true);
    bar.append(menu);
    return menu;
  }

  function fit(bar) {
    const menu = menuOf(bar);
    const focused = document.activeElement;
    const fitting = commandsIn(bar);
    bar.querySelectorAll(".command.is-overflowed").forEach((command) => command.classList.remove("is-overflowed"));
    menu.hidden = true;
    if (bar.scrollWidth <= bar.clientWidth) return;
    menu.hidden = false;
    while (bar.scrollWidth > bar.clientWidth && fitting.length > 1) fitting.pop().classList.add("is-overflowed");
    if (focused?.matches(".is-overflowed")) menu.querySelector("[data-menu-button]").focus();
  }

  function fill(menu) {
    const popup = menu.querySelector("[data-menu-popup]");
    popup.replaceChildren();
    menu.parentElement.querySelectorAll(".command.is-overflowed").forEach((command) => {
      if (command.hidden) return;
      const item = document.createElement("button");
      item.type = "button";
      item.className = "danger" in command.dataset ? "menu__item menu__item--danger" : "menu__item";
      item.append(...[...command.childNodes].map((node) => node.cloneNode(true)));
      item.disabled = Boolean(command.disabled);
      item.addEventListener("click", () => command.click());
      popup.append(item);
    });
  }

  const fitAll = () => bars().forEach(fit);

  document.addEventListener("menu:opening", (event) => {
    const menu = event.target.closest("[data-overflow]");
    if (menu) fill(menu);
  });
  document.addEventListener("commands:changed", fitAll);
  document.addEventListener("DOMContentLoaded", fitAll);
  document.addEventListener("htmx:afterSettle", fitAll);
  window.addEventListener("resize", fitAll);
})();
