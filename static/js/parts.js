// The parts of a pane that follow from a change. A later change overtakes an earlier one that is not answered yet: it
// asks for what that one asked for as well, and the earlier answer, which knows less, is not shown. So nothing is lost
// however quickly one goes on.
"use strict";

(() => {
  let latest = null;
  let unanswered = [];

  document.addEventListener("htmx:configRequest", (event) => {
    const request = event.detail;
    const query = new URL(request.path, window.location).searchParams;
    if (!request.elt.closest(".pane__body") || !query.has("changed")) return;
    if (query.get("changed") === "opened") unanswered = [];
    request.parameters.unanswered = unanswered.join(",");
    unanswered.push(`${query.get("changed")}:${query.get("rows") || ""}`);
    request.asksForParts = true;
    latest = request;
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, xhr } = event.detail;
    if (!requestConfig.asksForParts) return;
    if (requestConfig !== latest) event.detail.shouldSwap = false;
    else if (xhr.status === 200) unanswered = [];
  });
})();
