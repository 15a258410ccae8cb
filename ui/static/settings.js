// The settings page: sections, search, controls by type. Values go to the server with Apply only.

import { loadStyle } from "./sheets.js";

const SEARCH_DELAY = 150;

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = value;
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter(Boolean));
  return node;
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const shown = (value, texts) => {
  if (value === true) return texts.on;
  if (value === false) return texts.off;
  const text = Array.isArray(value) ? value.join(", ") : String(value);
  return text === "" ? texts.empty : text;
};

/** A control for one setting: its node, and reading and writing its value. */
function control(option, id, changed) {
  const common = { id, disabled: option.locked };
  if (option.type === "switch") {
    const box = make("input", { ...common, type: "checkbox", onchange: () => changed(box.checked) });
    return { node: box, set: (value) => { box.checked = value; } };
  }
  if (option.type === "list") return listControl(option, common, changed);
  if (option.choices.length) {
    const select = make("select", { ...common, onchange: () => changed(select.value) });
    const fill = (value) => select.replaceChildren(
      ...[...new Set([...option.choices, value])].map((name) => make("option", { value: name, text: name })),
    );
    return { node: select, set: (value) => { fill(value); select.value = value; } };
  }
  if (option.type === "colour") return colourControl(common, changed);
  if (option.type === "whole" || option.type === "number") return numberControl(option, common, changed);
  const box = make("input", { ...common, type: "text", oninput: () => changed(box.value) });
  return { node: box, set: (value) => { box.value = value; } };
}

function numberControl(option, common, changed) {
  const { lowest: min, highest: max } = option;
  const step = option.type === "whole" ? 1 : "any";
  const box = make("input", { ...common, type: "number", min, max, step, oninput: () => take(box) });
  const narrow = min != null && max != null && max - min <= 1000;
  const fine = option.type === "whole" ? 1 : (max - min) / 100;
  const slider = narrow && make("input", {
    type: "range", min, max, step: fine, disabled: common.disabled, "aria-hidden": "true", tabindex: -1,
    oninput: () => take(slider),
  });
  function take(source) {
    const number = source.value === "" ? null : Number(source.value);
    for (const part of [box, slider]) if (part && part !== source) part.value = number ?? min ?? 0;
    changed(number);
  }
  const node = make("span", { class: "op-set-number" }, slider, box);
  return { node, set: (value) => { box.value = value; if (slider) slider.value = value; } };
}

function colourControl(common, changed) {
  const box = make("input", { ...common, type: "text", maxlength: 7, oninput: () => take(box) });
  const well = make("input", { type: "color", disabled: common.disabled, "aria-label": "", oninput: () => take(well) });
  function take(source) {
    if (source === well) box.value = well.value;
    else if (/^#[0-9a-f]{6}$/i.test(box.value)) well.value = box.value;
    changed(box.value);
  }
  return { node: make("span", { class: "op-set-colour" }, well, box), set: (value) => { box.value = well.value = value; } };
}

function listControl(option, common, changed) {
  if (!option.choices.length) {
    const box = make("textarea", {
      ...common, rows: 3, placeholder: option.lines,
      oninput: () => changed(box.value.split("\n").map((line) => line.trim()).filter(Boolean)),
    });
    return { node: box, set: (value) => { box.value = value.join("\n"); } };
  }
  const boxes = option.choices.map((name) => make("input", { type: "checkbox", value: name, disabled: common.disabled, onchange: take }));
  function take() {
    changed(boxes.filter((box) => box.checked).map((box) => box.value));
  }
  const node = make("div", { id: common.id, class: "op-set-list", role: "group" },
    ...boxes.map((box) => make("label", {}, box, document.createTextNode(` ${box.value}`))));
  return { node, set: (value) => boxes.forEach((box) => { box.checked = value.includes(box.value); }) };
}

export function attach(element, props, trigger, watch) {
  loadStyle("settings.css");
  const root = element.querySelector(".op-settings");
  let rows = [];
  const wanted = new Map();
  const filter = { text: "", changed: false, idle: false };
  let parts = null;

  function build(value) {
    const { texts } = value;
    rows = [];
    const nav = make("nav", { class: "op-set-nav", "aria-label": texts.sections });
    const list = make("div", { class: "op-set-list-of-all" });
    for (const category of value.categories) {
      const heading = make("h3", { text: category.title });
      heading.jumps = [];
      nav.append(heading);
      for (const section of category.sections) {
        const body = make("section", { "data-title": section.title }, make("h2", { text: section.title }));
        for (const option of section.options) body.append(row(option, section.title, value));
        const jump = make("button", { type: "button", text: section.title, onclick: () => body.scrollIntoView({ block: "start" }) });
        body.jump = jump;
        heading.jumps.push(jump);
        nav.append(jump);
        list.append(body);
      }
    }
    const search = make("input", { type: "search", id: "settings_search", placeholder: texts.search, "aria-label": texts.search, autocomplete: "off" });
    search.value = filter.text;
    let timer;
    search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => { filter.text = search.value; select(); }, SEARCH_DELAY);
    });
    const toggle = (name, label) => {
      const box = make("input", { type: "checkbox", onchange: () => { filter[name] = box.checked; select(); } });
      box.checked = filter[name];
      return make("label", { class: "op-set-toggle" }, box, document.createTextNode(` ${label}`));
    };
    const apply = make("button", { type: "button", id: "settings_submit", class: "op-set-apply", text: texts.apply, onclick: send });
    const reload = make("button", { type: "button", id: "settings_restart_gradio", text: texts.reload, onclick: () => location.reload() });
    const mayAsk = window.Notification?.permission === "default";
    const notes = mayAsk && make("button", {
      type: "button", text: texts.notify,
      onclick: async () => { await Notification.requestPermission(); notes.remove(); },
    });
    const message = make("p", { class: "op-set-message", role: "status", id: "settings_result" });
    const none = make("p", { class: "op-set-none", text: texts.nothing, hidden: true });
    root.replaceChildren(
      make("div", { class: "op-set-bar" }, apply, reload, notes, search, toggle("changed", texts.changed_only), toggle("idle", texts.idle), message),
      make("div", { class: "op-set-columns" }, nav, make("div", { class: "op-set-main" }, list, none)),
    );
    parts = { apply, message, none, list, texts };
  }

  function row(option, section, value) {
    const { texts } = value;
    const id = `setting_${option.key}`;
    // Some settings stand above the tabs, too; an id may be there once only.
    const own = document.getElementById(id) && !root.contains(document.getElementById(id)) ? `settings_page_${option.key}` : id;
    option.locked = !value.open || option.guard !== "open";
    option.lines = texts.lines;
    const problem = make("p", { class: "op-set-problem", role: "alert" });
    const part = control(option, own, (now) => note(entry, now));
    const reset = make("button", {
      type: "button", class: "op-set-reset", text: "↺", title: texts.reset.replace("{default}", shown(option.default, texts)),
      "aria-label": texts.reset.replace("{default}", shown(option.default, texts)), disabled: option.locked,
      onclick: () => { part.set(option.default); note(entry, option.default); },
    });
    const notes = [
      option.guard === "file" && texts.file_note,
      option.guard === "derived" && texts.derived_note,
      option.idle && (option.instead || texts.idle_note),
      option.restart && texts.restart_note,
      option.infotext && texts.infotext.replace("{key}", option.infotext),
    ].filter(Boolean);
    const node = make("div", { class: "op-set-row" },
      make("div", { class: "op-set-text" },
        make("label", { for: own, text: option.text }),
        make("code", { text: option.key }),
        ...notes.map((text) => make("small", { text }))),
      make("div", { class: "op-set-control" }, part.node, reset, problem));
    const entry = { option, node, part, reset, problem, section, words: `${option.text} ${option.key} ${section}`.toLowerCase() };
    rows.push(entry);
    part.set(wanted.has(option.key) ? wanted.get(option.key) : option.value);
    mark(entry);
    return node;
  }

  function note(entry, now) {
    if (same(now, entry.option.value)) wanted.delete(entry.option.key);
    else wanted.set(entry.option.key, now);
    entry.problem.textContent = "";
    mark(entry);
    count();
  }

  function mark(entry) {
    const now = wanted.has(entry.option.key) ? wanted.get(entry.option.key) : entry.option.value;
    entry.node.classList.toggle("op-set-wanted", wanted.has(entry.option.key));
    entry.reset.style.visibility = same(now, entry.option.default) ? "hidden" : "visible";
    entry.differs = !same(now, entry.option.default);
  }

  function count() {
    parts.apply.textContent = wanted.size ? `${parts.texts.apply} (${wanted.size})` : parts.texts.apply;
    parts.apply.disabled = !wanted.size;
  }

  function select() {
    const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    let seen = 0;
    for (const entry of rows) {
      // What was translated is found by its translation, too.
      const said = `${entry.words} ${entry.node.textContent.toLowerCase()}`;
      const fits = words.every((word) => said.includes(word)) && (!filter.changed || entry.differs) && (filter.idle || !entry.option.idle);
      entry.node.hidden = !fits;
      seen += fits;
    }
    for (const section of parts.list.children) {
      const empty = ![...section.querySelectorAll(".op-set-row")].some((node) => !node.hidden);
      section.hidden = section.jump.hidden = empty;
    }
    for (const heading of root.querySelectorAll(".op-set-nav h3")) {
      heading.hidden = heading.jumps.every((jump) => jump.hidden);
    }
    parts.none.hidden = seen > 0;
  }

  function send() {
    props.value = { wanted: Object.fromEntries(wanted) };
    trigger("submit");
  }

  function render() {
    const value = props.value ?? {};
    if (!value.categories) return;
    const refused = Object.keys(value.problems ?? {});
    if (value.message && !refused.length && value.open) wanted.clear();
    build(value);
    parts.message.textContent = value.message || (value.open ? "" : value.texts.admins);
    parts.message.classList.toggle("op-set-bad", refused.length > 0);
    for (const entry of rows) entry.problem.textContent = value.problems?.[entry.option.key] ?? "";
    count();
    select();
    rows.find((entry) => entry.problem.textContent)?.node.scrollIntoView({ block: "center" });
  }

  watch("value", render);
  render();
}
