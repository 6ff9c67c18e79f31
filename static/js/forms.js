// Forms: what is still needed before Save, no second click while the first is under way, and whether something
// was typed.
//
//   <form data-needs>            Save ([data-save]) stays disabled until every required field is filled;
//                                [data-missing] in the form says which are not.
//   data-need="Connect"          on any element in such a form: one more thing that is needed while it is shown.
//   data-waits-for="name agree"  on a button in such a form: disabled until those of its fields that are required
//                                are filled.
//   data-enter="id"              on a field: Enter presses the button of that id instead of Save.
//   <form data-guard-unsaved>    leaving with unsaved changes asks first.
//   data-was-changed             on such a form: counts as changed from the start (the server shows it again).
"use strict";

(() => {
  const nameOf = (control) => {
    const field = control.closest("[data-field]");
    return (field?.dataset.label || control.getAttribute("aria-label") || control.labels?.[0]?.textContent || "").trim();
  };

  const shown = (element) => !element.closest("[hidden]") && !element.disabled;

  const isEmpty = (control) => (control.type === "checkbox" ? !control.checked : !control.value.trim());

  function missingIn(form) {
    const names = [];
    const groups = new Set();
    for (const control of form.elements) {
      if (!control.required || !shown(control)) continue;
      if (control.type === "radio") {
        if (groups.has(control.name)) continue;
        groups.add(control.name);
        if (!form.querySelector(`[name="${CSS.escape(control.name)}"]:checked`)) names.push(nameOf(control));
      } else if (isEmpty(control)) {
        names.push(nameOf(control));
      }
    }
    form.querySelectorAll("fieldset[data-required-group]").forEach((group) => {
      const boxes = group.querySelectorAll("input[type=checkbox]");
      if (boxes.length && shown(group) && !group.querySelector("input:checked")) names.push(group.dataset.label);
    });
    form.querySelectorAll("[data-need]").forEach((need) => shown(need) && names.push(need.dataset.need));
    return [...new Set(names)];
  }

  function tellNeeds(form) {
    const missing = missingIn(form);
    const note = form.querySelector("[data-missing]");
    form.querySelectorAll("[data-save]").forEach((button) => {
      if (!("busy" in button.dataset)) button.disabled = missing.length > 0;
    });
    form.querySelectorAll("[data-waits-for]").forEach((button) => {
      const fields = button.dataset.waitsFor.split(" ").map((name) => form.elements.namedItem(name));
      if (!("busy" in button.dataset || "disabledByHtmx" in button.dataset))
        button.disabled = fields.some((field) => field?.required && isEmpty(field));
    });
    if (!note) return;
    const sentence = missing.length ? `${window.shell.text("Missing")} ${missing.join(", ")}` : "";
    if (note.textContent !== sentence) note.textContent = sentence;
    note.hidden = !missing.length;
  }

  // -- unsaved changes ------------------------------------------------------------------------------------
  const asOpened = new WeakMap();

  function contents(form) {
    return JSON.stringify(
      [...new FormData(form)]
        .filter(([name]) => !["csrfmiddlewaretoken", "version"].includes(name))
        .map(([name, value]) => [name, typeof value === "string" ? value : value.name]),
    );
  }

  function isChanged(form) {
    if ("wasChanged" in form.dataset) return true;
    return "touched" in form.dataset && asOpened.has(form) && asOpened.get(form) !== contents(form);
  }

  window.shell.hasUnsaved = (within) =>
    [...within.querySelectorAll("form[data-guard-unsaved]")].some((form) => !("leaving" in form.dataset) && isChanged(form));

  // -- buttons while a request is under way ---------------------------------------------------------------
  function setBusy(form, busy) {
    const outside = form.id ? document.querySelectorAll(`button[form="${CSS.escape(form.id)}"]`) : [];
    [...form.querySelectorAll("button:not([type=button])"), ...outside].forEach((button) => {
      if (busy) button.dataset.busy = "";
      else delete button.dataset.busy;
      button.disabled = busy;
    });
    if (!busy && form.matches("[data-needs]")) tellNeeds(form);
  }

  function prepare(within) {
    const forms = [...within.querySelectorAll("form")];
    if (within.matches?.("form")) forms.push(within);
    forms.forEach((form) => {
      if (form.matches("[data-needs]")) tellNeeds(form);
      if (form.matches("[data-guard-unsaved]") && !asOpened.has(form)) asOpened.set(form, contents(form));
    });
  }

  window.shell.refreshNeeds = (form) => tellNeeds(form);

  ["input", "change"].forEach((kind) =>
    document.addEventListener(kind, (event) => {
      const form = event.target.form || event.target.closest?.("form");
      if (!form) return;
      if (event.isTrusted) form.dataset.touched = ""; // parts that the server fills in do not count
      if (form.matches("[data-needs]")) tellNeeds(form);
    }),
  );

  document.addEventListener("keydown", (event) => {
    const button = event.key === "Enter" && document.getElementById(event.target.dataset?.enter);
    if (!button) return;
    event.preventDefault();
    button.click();
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented || form.matches("[hx-post]")) return;
    form.dataset.leaving = "";
    setTimeout(() => setBusy(form, true)); // after the browser has taken the name of the button along
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.detail.elt;
    if (form.matches("form[hx-post]")) setBusy(form, true);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt;
    if (!form.matches("form[hx-post]")) return;
    if (event.detail.xhr?.getResponseHeader("HX-Redirect")) form.dataset.leaving = "";
    else setBusy(form, false);
  });

  document.addEventListener("DOMContentLoaded", () => prepare(document));
  document.addEventListener("htmx:afterSettle", (event) => {
    prepare(event.target);
    const around = event.target.closest?.("form[data-needs]");
    if (around) tellNeeds(around);
  });
  document.addEventListener("htmx:oobAfterSwap", () =>
    document.querySelectorAll("form[data-needs]").forEach(tellNeeds),
  );
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form").forEach((form) => setBusy(form, false));
  });
  window.addEventListener("beforeunload", (event) => {
    if (window.shell.hasUnsaved(document)) event.preventDefault();
  });
})();
