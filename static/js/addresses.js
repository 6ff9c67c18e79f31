// Addresses of panes and dialogs: the address of a page names what is open over it, so that Back, Forward, reload and
// a copied link bring it back.
//
//   /data/exports/?sort=name&pane=/data/exports/2/      the pane /data/exports/2/ over the list
//   …&dialog=/data/exports/2/remove/                    a dialog over it
//
// The views of the pages do not see it (config/platform/web/layers.py). Each GET that fills #pane or #dialog is noted;
// a form that comes back with errors, and the question about unsaved changes, have no address.
"use strict";

(() => {
  const LAYERS = ["pane", "dialog"];
  const LONGEST = 2000; // so that a proxy takes the address of a dialog about hundreds of rows
  const hostOf = (name) => document.getElementById(name);

  // -- addresses ------------------------------------------------------------------------------------------
  function isHere(path) {
    if (!path?.startsWith("/")) return false;
    try {
      return new URL(path, window.location).origin === window.location.origin;
    } catch {
      return false; // such as “//”
    }
  }

  function read() {
    const query = new URLSearchParams(window.location.search);
    const found = { page: "", pane: null, dialog: null };
    LAYERS.forEach((name) => {
      const path = query.get(name);
      if (isHere(path)) found[name] = path;
      query.delete(name);
    });
    const rest = query.toString();
    found.page = window.location.pathname + (rest ? `?${rest}` : "");
    return found;
  }

  const readable = (path) => encodeURIComponent(path).replace(/%(2F|3F|3D|3A|2C)/g, decodeURIComponent);

  function write(view) {
    const layers = LAYERS.filter((name) => view[name]).map((name) => `${name}=${readable(view[name])}`);
    if (!layers.length) return view.page;
    return `${view.page}${view.page.includes("?") ? "&" : "?"}${layers.join("&")}`;
  }

  // -- what is shown, and what the entry of the history says of it ------------------------------------------
  let shown = { page: read().page, pane: null, dialog: null };
  let entry = window.history.state;
  let leavingFor = null;

  // In an entry, `back` says how many steps lead to the page without the layer; a layer that came with the address
  // of the page itself has none.
  function note(method, view, back) {
    const address = write(view);
    if (address.length > LONGEST) return;
    entry = { back };
    window.history[method](entry, "", address);
  }

  function opened(name, path) {
    const now = read();
    const before = shown[name];
    shown = { ...shown, [name]: path };
    if (now[name] === path) return;
    const back = { ...entry?.back };
    if (before && before.split("?")[0] === path.split("?")[0]) {
      note("replaceState", shown, back);
      return;
    }
    LAYERS.filter((other) => back[other]).forEach((other) => {
      back[other] += 1;
    });
    if (!before) back[name] = 1;
    note("pushState", shown, back);
  }

  // The user, or an answer, has closed it: the address follows.
  function closed(name) {
    shown = { ...shown, [name]: null };
    if (!read()[name]) return;
    const steps = entry?.back?.[name];
    if (steps) window.history.go(-steps);
    else note("replaceState", shown, { ...entry?.back, [name]: undefined });
  }

  // The address has changed, or was there from the start: what is open follows.
  async function follow() {
    const wanted = read();
    for (const name of [...LAYERS].reverse()) {
      if (shown[name] && !wanted[name]) {
        shown = { ...shown, [name]: null };
        window.shell.layers.empty(hostOf(name));
      }
    }
    for (const name of LAYERS) {
      if (wanted[name] && shown[name] !== wanted[name]) {
        shown = { ...shown, [name]: wanted[name] };
        await window.htmx.ajax("GET", wanted[name], { target: `#${name}`, swap: "innerHTML" });
        if (!hostOf(name).childElementCount) closed(name); // gone meanwhile, or not allowed
      }
    }
  }

  window.shell.addresses = { closed };

  // -- events ---------------------------------------------------------------------------------------------
  const layerOf = (detail) => LAYERS.find((name) => detail.target === hostOf(name));

  // An address may be made up: only what is a pane or a dialog is shown as one. A download is never shown, as its
  // values are not escaped for HTML.
  const isPage = (xhr) =>
    xhr.getResponseHeader("Content-Type")?.startsWith("text/html") && !xhr.getResponseHeader("Content-Disposition");

  document.addEventListener("htmx:beforeSwap", (event) => {
    const name = layerOf(event.detail);
    const { xhr, requestConfig } = event.detail;
    if (!name || requestConfig.verb !== "get" || requestConfig.elt !== document.body) return;
    if (!isPage(xhr) || !xhr.responseText.includes(`data-${name}-frame`)) event.detail.shouldSwap = false;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const name = layerOf(event.detail);
    const { requestConfig, pathInfo } = event.detail;
    if (!name || requestConfig.verb !== "get" || !hostOf(name).childElementCount) return;
    opened(name, pathInfo.responsePath || pathInfo.finalRequestPath);
  });

  // Before an answer leads to another page, the entries of the layers are left behind: Back must not open them again.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const to = event.detail.xhr.getResponseHeader("HX-Redirect");
    const steps = Math.max(0, ...Object.values(entry?.back || {}).filter(Boolean));
    if (!to || !steps) return;
    event.preventDefault();
    leavingFor = to;
    window.history.go(-steps);
  });

  // Registered before that of htmx, which would load the page again.
  window.addEventListener("popstate", (event) => {
    if (leavingFor) {
      event.stopImmediatePropagation();
      window.location.assign(leavingFor);
      leavingFor = null;
      return;
    }
    const wanted = read();
    if (wanted.page !== shown.page) {
      if (!event.state?.htmx) window.location.reload();
      return;
    }
    event.stopImmediatePropagation();
    const pane = hostOf("pane");
    if (shown.pane && wanted.pane !== shown.pane && window.shell.hasUnsaved(pane)) {
      window.history.pushState(entry, "", write(shown));
      window.shell.layers.askBeforeLeaving(() => {
        window.shell.layers.discard(pane);
        shown = { ...shown, pane: null };
        window.history.back();
      });
      return;
    }
    entry = window.history.state;
    follow();
  });

  // Sorting, searching and paging change the address of the page.
  ["htmx:pushedIntoHistory", "htmx:replacedInHistory"].forEach((kind) =>
    document.addEventListener(kind, () => {
      shown = { ...shown, page: read().page };
      entry = window.history.state;
    }),
  );

  document.addEventListener("DOMContentLoaded", follow);
})();
