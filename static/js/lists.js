// Lists: the selection, the command bar that follows it, ⋮ menus that repeat it, and names for cells on a phone.
//
//   <tr data-can="edit run">                      what this row allows
//   <button class="command" data-command
//     data-selection="one"                        always, none, one, many (two or more), some (one or more)
//     data-href-template="/data/exports/0/"       0 stands for the selected id; without 0 all ids go along as "selected"
//     data-pane | data-dialog | data-post         where it opens; neither: a page
//     data-when="edit"                            only for rows that allow it
//     data-any                                    with data-when: as soon as one of the rows allows it
//     data-pencil>                                also behind the pencil of a row
"use strict";

(() => {
  const rowOf = (element) => element.closest("tr");
  const boxes = () => [...document.querySelectorAll('[data-table] tbody input[name="selected"]')];
  const chosenRows = () => boxes().filter((box) => box.checked).map(rowOf);
  const idOf = (row) => row.querySelector('input[name="selected"]').value;
  const commands = () => [...document.querySelectorAll("[data-command-bar] [data-command]")];

  function applies(command, rows) {
    const count = rows.length;
    const fits = { always: true, none: count === 0, one: count === 1, many: count > 1, some: count > 0 };
    const wanted = command.dataset.selection.split(" ");
    if (!wanted.some((kind) => fits[kind])) return false;
    const allowed = (row) => (row.dataset.can || "").split(" ").includes(command.dataset.when);
    return !command.dataset.when || ("any" in command.dataset ? rows.some(allowed) : rows.every(allowed));
  }

  function fill(sentence, n) {
    return sentence.replace("{n}", n.toLocaleString(document.documentElement.lang));
  }

  function follow() {
    const rows = chosenRows();
    commands().forEach((command) => {
      command.hidden = !applies(command, rows);
    });
    const note = document.querySelector("[data-selected-note]");
    if (note) {
      note.hidden = rows.length === 0;
      const words = rows.length === 1 ? window.shell.text("SelectedOne") : fill(window.shell.text("SelectedMany"), rows.length);
      note.querySelector("[data-selected-count]").textContent = rows.length ? words : "";
    }
    const all = document.querySelector("[data-select-all]");
    if (all) {
      all.checked = rows.length > 0 && rows.length === boxes().length;
      all.indeterminate = rows.length > 0 && !all.checked;
    }
    document.dispatchEvent(new CustomEvent("commands:changed"));
  }

  function clear() {
    boxes().forEach((box) => {
      box.checked = false;
    });
    follow();
  }

  // -- doing what a command says --------------------------------------------------------------------------
  const placeholder = /(^|[/=])0(?=[/?&]|$)/;

  function addressFor(command, rows) {
    const template = command.dataset.hrefTemplate;
    if (placeholder.test(template)) return { url: template.replace(placeholder, `$1${idOf(rows[0])}`), ids: [] };
    return { url: template, ids: rows.map(idOf) };
  }

  function perform(command, rows, source) {
    const { url, ids } = addressFor(command, rows);
    const { pane, dialog, post } = command.dataset;
    const values = ids.length ? { selected: ids } : {};
    if (post !== undefined) {
      command.disabled = true;
      const done = window.htmx.ajax("POST", url, { source, target: "body", swap: "none", values });
      Promise.resolve(done).finally(() => {
        command.disabled = false;
      });
    } else if (pane !== undefined || dialog !== undefined) {
      const target = pane !== undefined ? "#pane" : "#dialog";
      window.htmx.ajax("GET", url, { source, target, values });
    } else {
      const query = new URLSearchParams(ids.map((id) => ["selected", id])).toString();
      window.location.assign(query ? `${url}?${query}` : url);
    }
  }

  function rowMenu(button) {
    const row = rowOf(button);
    const popup = button.closest("[data-menu]").querySelector("[data-menu-popup]");
    popup.replaceChildren();
    commands()
      .filter((command) => command.dataset.selection !== "always" && applies(command, [row]))
      .forEach((command) => {
        const item = document.createElement("button");
        item.type = "button";
        item.className = "danger" in command.dataset ? "menu__item menu__item--danger" : "menu__item";
        item.append(...[...command.childNodes].map((node) => node.cloneNode(true)));
        item.addEventListener("click", () => perform(command, [row], button));
        popup.append(item);
      });
  }

  const pencilFor = (row) => commands().find((command) => "pencil" in command.dataset && applies(command, [row]));

  // -- after a list was drawn -----------------------------------------------------------------------------
  function nameCells(table) {
    const names = [...table.querySelectorAll("thead th")].map((heading) => heading.innerText.trim());
    table.querySelectorAll("tbody tr").forEach((row) => {
      const cells = [...row.cells];
      cells.forEach((cell, at) => {
        if (!cell.dataset.label) cell.dataset.label = names[at] || "";
      });
      const lead = cells.find((cell) => !cell.matches(".table__check, .table__more"));
      if (lead && !row.querySelector("[data-lead]")) lead.dataset.lead = "";
    });
  }

  // What scrolls within itself must be reachable by keyboard.
  function openScrollers() {
    document.querySelectorAll(".list__scroll, .card--table, .tabs, .prose pre").forEach((box) => {
      if (box.scrollWidth > box.clientWidth && !box.querySelector("a")) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    });
  }

  // The tab that one is on may lie beyond the edge of a narrow screen.
  function showCurrentTab() {
    document.querySelectorAll(".tabs:not([data-shown])").forEach((box) => {
      const current = box.querySelector("[aria-current]");
      box.dataset.shown = "";
      if (!current) return;
      const [edge, tab] = [box.getBoundingClientRect(), current.getBoundingClientRect()];
      box.scrollLeft += tab.left - edge.left - (edge.width - tab.width) / 2;
    });
  }

  function drawn() {
    openScrollers();
    showCurrentTab();
    document.querySelectorAll(".table--cards").forEach(nameCells);
    document.documentElement.dataset.named = "";
    document.querySelectorAll("[data-row-pencil]").forEach((pencil) => {
      pencil.hidden = !pencilFor(rowOf(pencil));
    });
    document.querySelectorAll("[data-row-menu]").forEach((button) => {
      const row = rowOf(button);
      button.hidden = !commands().some((command) => command.dataset.selection !== "always" && applies(command, [row]));
    });
    if (document.querySelector("[data-command-bar]")) follow();
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-select-all]")) {
      boxes().forEach((box) => {
        box.checked = event.target.checked;
      });
    }
    if (event.target.matches('[data-select-all], input[name="selected"]')) follow();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-clear-selection]")) {
      clear();
      document.querySelector("[data-select-all]")?.focus();
    }
    const pencil = event.target.closest("[data-row-pencil]");
    if (pencil) perform(pencilFor(rowOf(pencil)), [rowOf(pencil)], pencil);
    const command = event.target.closest("[data-command-bar] [data-command]");
    if (command?.dataset.hrefTemplate && !(event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      perform(command, chosenRows(), command);
    }
  });

  document.addEventListener("menu:opening", (event) => {
    if (event.target.matches("[data-row-menu]")) rowMenu(event.target);
  });

  // Arrow keys walk through the command bar, as in every toolbar.
  document.addEventListener("keydown", (event) => {
    const bar = event.target.closest('[role="toolbar"]');
    if (!bar || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const stops = [...bar.querySelectorAll("a, button")].filter((stop) => stop.offsetParent && !stop.disabled);
    const to = stops.indexOf(document.activeElement) + (event.key === "ArrowRight" ? 1 : -1);
    if (stops[to]) {
      event.preventDefault();
      stops[to].focus();
    }
  });

  window.addEventListener("resize", openScrollers);
  document.addEventListener("DOMContentLoaded", drawn);
  document.addEventListener("htmx:afterSettle", drawn);
})();
