// What htmx meets on its way: errors become toasts, and hidden pages request nothing.
"use strict";

(() => {
  function sentenceIn(xhr) {
    const kind = xhr.getResponseHeader("Content-Type") || "";
    const body = xhr.responseText || "";
    if (kind.startsWith("text/plain") && body.length < 400) return body.trim();
    if (!kind.startsWith("text/html")) return "";
    const page = new DOMParser().parseFromString(body, "text/html");
    return page.querySelector("[data-error]")?.textContent.trim() || "";
  }

  document.addEventListener("htmx:responseError", (event) => {
    const { xhr, elt } = event.detail;
    if (elt.matches("[data-live]") && xhr.status >= 500) return; // the next tick asks again
    const usual = { 403: "Forbidden", 404: "Gone" }[xhr.status] || "Error";
    window.shell.toast((xhr.status < 500 && sentenceIn(xhr)) || window.shell.text(usual), "error");
  });

  // A command that asked for nothing to be shown is told why not in a toast.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    if ((xhr.status === 409 || xhr.status === 422) && target === document.body) {
      event.detail.shouldSwap = false;
      window.shell.toast(sentenceIn(xhr) || window.shell.text("Error"), "error");
    }
  });

  ["htmx:sendError", "htmx:timeout"].forEach((kind) =>
    document.addEventListener(kind, () => window.shell.toast(window.shell.text("Network"), "error")),
  );

  // A live part that is replaced keeps which details are open, and the focus of a link without an id.
  let before = null;

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { elt, target } = event.detail;
    if (!elt.matches("[data-live]")) return;
    const focused = target.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    before = { open: [...target.querySelectorAll("details[open][id]")].map((details) => details.id), focused };
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (!before) return;
    before.open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    if (before.focused && document.activeElement === document.body)
      event.detail.elt.querySelector(`a[href="${CSS.escape(before.focused)}"]`)?.focus({ preventScroll: true });
    before = null;
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, requestConfig } = event.detail;
    if (document.hidden && elt.matches("[data-live]") && requestConfig.verb === "get") event.preventDefault();
  });
})();
