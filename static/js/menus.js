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

  // Below the button, or above it where there is no room; never out of the window.
  function place(popup, button) {
    const at = button.getBoundingClientRect();
    const { width, height } = popup.getBoundingClientRect();
    const toTheRight = popup.classList.contains("menu__popup--right");
    const left = toTheRight ? at.right - width : at.left;
    const roomBelow = window.innerHeight - at.bottom > height + 12;
    const top = roomBelow || at.top < height + 12 ? at.bottom + 4 : at.top - height - 4;
    popup.style.left = `${Math.max(8, Math.min(left, document.documentElement.clientWidth - width - 8))}px`;
    popup.style.top = `${top}px`;
  }

  function open(menu) {
    const popup = menu.querySelector("[data-menu-popup]");
    const button = menu.querySelector("[data-menu-button]");
    closeAll(menu);
    button.dispatchEvent(new CustomEvent("menu:opening", { bubbles: true }));
    popup.hidden = false;
    place(popup, button);
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

  window.addEventListener("scroll", () => closeAll(), { capture: true, passive: true });
  window.addEventListener("resize", () => closeAll());

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
