// The X/Y/Z plot's cells and its table of figures. Texts of users are set as text, never as HTML.

import { loadStyle } from "./sheets.js";

function node(tag, settings = {}, ...children) {
  const made = Object.assign(document.createElement(tag), settings);
  made.append(...children);
  return made;
}

export function attachCells(element, props, redo, watch) {
  loadStyle("plot.css");
  const root = element.querySelector(".op-plot-cells");

  function again(place) {
    const label = root.dataset.redo;
    const button = node("button", { type: "button", className: "op-plot-redo", textContent: "↻", title: label });
    button.setAttribute("aria-label", label);
    button.addEventListener("click", () => {
      props.value = { ...props.value, chosen: place };
      redo();
    });
    return button;
  }

  function cell(entry, canRedo) {
    const made = node("td", { className: `op-plot-${entry.state}` });
    if (entry.url) {
      const image = node("img", { loading: "lazy", src: entry.url, alt: "" });
      made.append(node("a", { href: entry.url, target: "_blank" }, image));
    } else made.append(entry.text);
    if (canRedo) made.append(again(entry.place));
    return made;
  }

  function table(part, canRedo) {
    const made = node("table");
    if (part.title) made.append(node("caption", { textContent: part.title }));
    const head = part.columns.map((text) => node("th", { scope: "col", textContent: text }));
    made.append(node("tr", {}, node("td"), ...head));
    for (const row of part.rows) {
      const cells = row.cells.map((entry) => cell(entry, canRedo));
      made.append(node("tr", {}, node("th", { scope: "row", textContent: row.title }), ...cells));
    }
    return made;
  }

  let shown = "";
  function render() {
    const { tables = [], can_redo: canRedo = false } = props.value ?? {};
    const key = JSON.stringify([tables, canRedo]);
    if (key === shown) return;
    shown = key;
    root.replaceChildren(...tables.map((part) => table(part, canRedo)));
  }

  watch("value", render);
  render();
}

/** Numbers by size, texts by alphabet; empty figures always last. */
export function compare(one, other) {
  if (one === "" || one === null) return other === "" || other === null ? 0 : 1;
  if (other === "" || other === null) return -1;
  const [left, right] = [Number(one), Number(other)];
  if (Number.isFinite(left) && Number.isFinite(right)) return left - right;
  return String(one).localeCompare(String(other), undefined, { numeric: true });
}

export function attachTable(element, props, watch) {
  loadStyle("plot.css");
  const root = element.querySelector(".op-plot-table");
  let by = -1;
  let down = false;

  function sort(column) {
    down = by === column && !down;
    by = column;
    render();
  }

  function head(text, column) {
    const button = node("button", { type: "button", textContent: text });
    button.addEventListener("click", () => sort(column));
    const made = node("th", { scope: "col" }, button);
    if (column === by) made.setAttribute("aria-sort", down ? "descending" : "ascending");
    return made;
  }

  function render() {
    const { headers = [], rows = [] } = props.value ?? {};
    if (!rows.length) {
      root.replaceChildren();
      return;
    }
    const sorted = by < 0 ? rows : [...rows].sort((a, b) => {
      const order = compare(a[by], b[by]);
      return down && a[by] !== "" && b[by] !== "" ? -order : order;
    });
    const lines = sorted.map((row) => node("tr", {}, ...row.map((value) => node("td", { textContent: value ?? "" }))));
    const heads = node("tr", {}, ...headers.map(head));
    root.replaceChildren(node("table", {}, node("thead", {}, heads), node("tbody", {}, ...lines)));
  }

  watch("value", render);
  render();
}
