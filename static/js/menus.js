// Menus: a button with a popup beside it. Arrows, Home and End move, Escape closes and gives the focus back.
"use strict";

(() => {
  const itemsOf = (menu) =>
    [...menu.querySelectorAll("[data-menu-item], .menu__item")].filter((item) => !item.disabled && !item.hidden);

  function close(menu, { focus = false } = {}) {
    const popup = menu.querySelector("[data-menu-popup]");
    const button = menu.querySelector("[data-menu-button]");
    if (popup.hidden) return;
    popup.hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (focus) button.focus();
  }

  function closeAll(except) {
    document.querySelectorAll("[data-menu]").forEach((menu) => menu !== except && close(menu));
  }

  function open(menu) {
    const popup = menu.querySelector("[data-menu-popup]");
    const button = menu.querySelector("[data-menu-button]");
    closeAll(menu);
    button.dispatchEvent(new CustomEvent("menu:opening", { bubbles: true }));
    popup.hidden = false;
    popup.classList.remove("is-above");
    const box = popup.getBoundingClientRect();
    const above = button.getBoundingClientRect().top;
    popup.classList.toggle("is-above", box.bottom > window.innerHeight && above > box.height + 60);
    button.setAttribute("aria-expanded", "true");
    itemsOf(menu)[0]?.focus();
  }

  function move(menu, key) {
    const items = itemsOf(menu);
    const at = items.indexOf(document.activeElement);
    const last = items.length - 1;
    const to = { ArrowDown: at === last ? 0 : at + 1, ArrowUp: at <= 0 ? last : at - 1, Home: 0, End: last }[key];
    items[to]?.focus();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-menu-button]");
    if (button) {
      const menu = button.closest("[data-menu]");
      if (button.getAttribute("aria-expanded") === "true") close(menu, { focus: true });
      else open(menu);
      return;
    }
    const item = event.target.closest(".menu__item");
    closeAll(item ? undefined : event.target.closest("[data-menu]"));
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest("[data-menu]");
    if (!menu) return;
    const shown = !menu.querySelector("[data-menu-popup]").hidden;
    if (!shown && event.key === "ArrowDown" && event.target.closest("[data-menu-button]")) {
      event.preventDefault();
      open(menu);
    } else if (shown && ["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) {
      event.preventDefault();
      move(menu, event.key);
    } else if (shown && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close(menu, { focus: true });
    } else if (shown && event.key === "Tab") {
      close(menu);
    }
  });
})();
