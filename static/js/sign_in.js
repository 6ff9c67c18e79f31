// A session that has ended: a dialog asks for the password over the page, so that nothing of what was typed is lost.
// Then the requests that found no session are repeated.
"use strict";

(() => {
  const host = () => document.getElementById("sign-in-again");
  const isOpen = () => host().childElementCount > 0;
  let waiting = [];

  function ask(address) {
    if (isOpen()) return;
    const user = encodeURIComponent(document.body.dataset.user);
    window.htmx.ajax("GET", `${address}?user=${user}`, { target: "#sign-in-again", swap: "innerHTML" });
  }

  // -- requests of htmx -----------------------------------------------------------------------------------
  function repeat({ requestConfig, target, etc, select }) {
    const { elt, verb, path, formData, triggeringEvent } = requestConfig;
    if (formData.has("csrfmiddlewaretoken")) formData.delete("csrfmiddlewaretoken"); // the header has the new one
    const source = elt.isConnected ? elt : document.body;
    window.htmx.ajax(verb.toUpperCase(), path, {
      source,
      event: triggeringEvent,
      target,
      swap: etc.swapOverride,
      select,
      values: formData,
    });
  }

  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { xhr, requestConfig } = event.detail;
    const address = xhr.status === 401 && xhr.getResponseHeader("X-Sign-In");
    if (!address) return;
    event.preventDefault();
    const isPoll = requestConfig.elt.matches("[data-live]"); // asks again at its next tick
    const { target, etc, select } = event.detail;
    if (!isPoll) waiting.push(() => repeat({ requestConfig, target, etc, select }));
    ask(address);
  });

  // -- forms that lead to another page ----------------------------------------------------------------------
  // Their input would be lost with the page: whether the session still lasts is asked first.
  const isTyped = (form) => form.querySelector("input:not([type=hidden]), select, textarea");

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.matches("[hx-post]") || !isTyped(form) || !document.body.dataset.user) return;
    if ("sessionLasts" in form.dataset) {
      delete form.dataset.sessionLasts;
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if ("sessionAsked" in form.dataset) return; // a second click
    form.dataset.sessionAsked = "";
    const { submitter } = event;
    waiting.push(() => {
      delete form.dataset.sessionAsked;
      form.dataset.sessionLasts = "";
      form.requestSubmit(submitter);
    });
    ask(document.body.dataset.signIn);
  });

  // -- afterwards -----------------------------------------------------------------------------------------
  document.addEventListener("signed-in", (event) => {
    const { user, token } = event.detail;
    window.shell.layers.empty(host());
    if (user !== document.body.dataset.user) {
      window.location.assign("/"); // the page is another user's
      return;
    }
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
    document.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach((input) => {
      input.value = token;
    });
    const requests = waiting;
    waiting = [];
    requests.forEach((request) => request());
  });

  // The dialog was closed, or the server could not be asked: the user decides what comes next.
  function forget() {
    waiting = [];
    document.querySelectorAll("[data-session-asked]").forEach((form) => delete form.dataset.sessionAsked);
  }

  document.addEventListener("sign-in:closed", forget);
  ["htmx:sendError", "htmx:timeout", "htmx:responseError"].forEach((kind) =>
    document.addEventListener(kind, (event) => event.detail.target === host() && forget()),
  );
})();
