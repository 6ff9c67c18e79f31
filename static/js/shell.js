// The shell: navigation, theme, and small tools that the other files share as window.shell.
"use strict";

(() => {
  const root = document.documentElement;
  const text = (key) => document.body.dataset[`text${key}`] || "";

  function remember(name, value) {
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`;
  }

  window.shell = { text, remember };

  // -- theme: follows the system until the person chooses --------------------------------------------------
  const systemDark = window.matchMedia("(prefers-color-scheme: dark)");

  function isDark() {
    const chosen = root.dataset.theme;
    return chosen === "dark" || (chosen !== "light" && systemDark.matches);
  }

  function nameThemeButtons() {
    const label = text(isDark() ? "ToLight" : "ToDark");
    document.querySelectorAll("[data-theme-toggle]").forEach((button) => button.setAttribute("aria-label", label));
  }

  function toggleTheme() {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember("theme", root.dataset.theme);
    nameThemeButtons();
  }

  // -- navigation: a column that can be narrowed, a drawer on small screens -------------------------------
  function toggleCollapse(button) {
    const collapsed = root.dataset.nav !== "collapsed";
    if (collapsed) root.dataset.nav = "collapsed";
    else delete root.dataset.nav;
    button.setAttribute("aria-pressed", String(collapsed));
    remember("nav", collapsed ? "collapsed" : "wide");
  }

  function openDrawer(open) {
    const nav = document.getElementById("navigation");
    const toggle = document.querySelector("[data-nav-toggle]");
    nav.classList.toggle("is-open", open);
    document.querySelector("[data-nav-backdrop]").hidden = !open;
    toggle.setAttribute("aria-expanded", String(open));
    if (open) (nav.querySelector("[aria-current]") || nav.querySelector("a"))?.focus();
    else toggle.focus();
  }

  const drawerIsOpen = () => document.getElementById("navigation")?.classList.contains("is-open");

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-toggle]")) toggleTheme();
    const collapse = event.target.closest("[data-nav-collapse]");
    if (collapse) toggleCollapse(collapse);
    if (event.target.closest("[data-nav-toggle]")) openDrawer(!drawerIsOpen());
    if (event.target.closest("[data-nav-backdrop]")) openDrawer(false);

    const fill = event.target.closest("[data-fill]");
    if (fill) {
      Object.entries(JSON.parse(fill.dataset.fill)).forEach(([name, value]) => {
        const input = document.querySelector(`[name="${CSS.escape(name)}"]`);
        input.value = value;
        input.dispatchEvent(new Event("input", { bubbles: true }));
      });
      document.querySelector(fill.dataset.fillThen || "button[data-save]")?.focus();
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && drawerIsOpen()) openDrawer(false);
  });

  systemDark.addEventListener("change", nameThemeButtons);
  document.addEventListener("DOMContentLoaded", nameThemeButtons);
})();
