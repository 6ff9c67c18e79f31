// The pane and the dialog: filled by htmx, they take the focus, keep it, and give it back when they close.
//
//   hx-target="#pane" / "#dialog"        open one
//   data-pane-close / data-dialog-close  close it; Escape and a click beside it do the same
//   data-focus                           takes the focus when shown, before anything else
//   data-on-discard                      a button that is pressed when the user discards unsaved changes
//   data-leave                           may replace the contents without asking about unsaved changes
"use strict";

(() => {
  const hosts = () => ({
    pane: document.getElementById("pane"),
    dialog: document.getElementById("dialog"),
    signIn: document.getElementById("sign-in-again"), // asks for the password above all others (sign_in.js)
  });
  const isHost = (element) => Object.values(hosts()).includes(element);
  const cameFrom = new Map();

  const isOpen = (host) => host.childElementCount > 0;

  function keepFocusInside() {
    const { pane, dialog, signIn } = hosts();
    const isCovered = isOpen(pane) || isOpen(dialog) || isOpen(signIn);
    document.getElementById("app").inert = isCovered;
    pane.inert = isOpen(dialog) || isOpen(signIn);
    dialog.inert = isOpen(signIn);
    document.body.classList.toggle("has-layer", isCovered);
  }

  function focusFirst(host) {
    const first =
      host.querySelector("[data-focus]") ||
      host.querySelector(".field--wrong :is(input, select, textarea)") ||
      host.querySelector("[autofocus]") ||
      host.querySelector(
        ".pane__body :is(input:not([type=hidden]), select, textarea):not(:disabled), .dialog__body :is(input:not([type=hidden]), select, textarea)",
      ) ||
      host.querySelector(".pane__title, .dialog__foot .button");
    first?.focus({ preventScroll: false });
  }

  // A live part of the page may have replaced it since.
  const asItIsNow = (asker) => (asker?.isConnected || !asker?.id ? asker : document.getElementById(asker.id));

  function empty(host) {
    const other = [...Object.values(hosts())].reverse().find((one) => one !== host && isOpen(one));
    const back = asItIsNow(cameFrom.get(host.id));
    host.replaceChildren();
    host.classList.remove("is-settled");
    cameFrom.delete(host.id);
    keepFocusInside();
    if (back?.isConnected && back !== document.body && !back.closest("[hidden]")) back.focus();
    else if (other) focusFirst(other);
    else document.getElementById("main")?.focus();
  }

  function askBeforeLeaving(leave) {
    const { dialog } = hosts();
    const before = document.activeElement;
    dialog.replaceChildren(document.getElementById("discard-template").content.cloneNode(true));
    cameFrom.set("dialog", before);
    keepFocusInside();
    dialog.querySelector("[data-keep]").focus();
    dialog.querySelector("[data-keep]").addEventListener("click", () => empty(dialog));
    dialog.querySelector("[data-discard]").addEventListener("click", () => {
      empty(dialog);
      leave();
    });
  }

  function discard(host) {
    host.querySelector("[data-on-discard]")?.click();
    empty(host);
  }

  function emptyWithAddress(host) {
    empty(host);
    if (host.id === "sign-in-again") document.dispatchEvent(new CustomEvent("sign-in:closed"));
    else window.shell.addresses.closed(host.id);
  }

  function close(host) {
    if (host.id === "pane" && window.shell.hasUnsaved(host))
      askBeforeLeaving(() => {
        discard(host);
        window.shell.addresses.closed(host.id);
      });
    else emptyWithAddress(host);
  }

  window.shell.layers = { askBeforeLeaving, discard, empty };

  document.addEventListener("click", (event) => {
    const { pane, dialog } = hosts();
    const closer = event.target.closest("[data-pane-close], [data-dialog-close]");
    if (closer) {
      const host = closer.closest("#pane, #dialog, #sign-in-again");
      if (host) {
        event.preventDefault();
        close(host);
      }
      return; // on a page of its own the link simply leads on
    }
    if (event.target === pane || event.target === dialog) close(event.target);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    const { pane, dialog, signIn } = hosts();
    const host = [signIn, dialog].find(isOpen) || pane;
    if (!isOpen(host)) return;
    event.preventDefault();
    close(host);
  });

  // What asked for the pane gets the focus back; what it is replaced by must not lose what was typed unasked.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const host = event.detail.target;
    if (!isHost(host)) return;
    const asker = event.detail.elt;
    if (!isOpen(host) || !cameFrom.has(host.id)) {
      const active = document.activeElement === document.body ? asker : document.activeElement;
      const menu = active.closest("[data-menu-popup]")?.closest("[data-menu]");
      cameFrom.set(host.id, menu ? menu.querySelector("[data-menu-button]") : active);
    }
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const host = event.detail.target;
    if (event.target.matches?.(".pane--page")) focusFirst(event.target); // a refused form on a page of its own
    if (!isHost(host)) return;
    keepFocusInside();
    if (isOpen(host)) {
      focusFirst(host);
      requestAnimationFrame(() => setTimeout(() => host.classList.add("is-settled"), 250));
    } else {
      emptyWithAddress(host);
    }
  });
})();
