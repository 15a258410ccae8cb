// The list of regions below the Inpaint canvas: rows with mask, prompt, strength, seed and content.
// The browser owns the list; the server answers with parts of it, which are merged here.

import { loadStyle } from "./sheets.js";

const KEEP_AFTER_MS = 700;

function node(tag, settings = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

async function clearCanvas() {
  const registry = await import(new URL("canvas/registry.js", import.meta.url));
  registry.find("inpaint")?.act("clear");
}

export function attach(element, props, events, watch) {
  loadStyle("regions.css");
  const root = element.querySelector(".op-regions");
  const list = root.querySelector("ol");
  const texts = root.dataset;
  const contents = JSON.parse(texts.contents);
  let regions = [];
  let seeds = {};
  let timer = 0;

  function publish(chosen = "") {
    props.value = { regions, chosen };
  }

  function changed() {
    publish();
    clearTimeout(timer);
    timer = setTimeout(events.edited, KEEP_AFTER_MS);
  }

  function set(region, name, value) {
    regions = regions.map((entry) => (entry.id === region.id ? { ...entry, [name]: value } : entry));
    changed();
  }

  function move(place, by) {
    const [entry] = regions.splice(place, 1);
    regions.splice(place + by, 0, entry);
    regions = [...regions];
    changed();
    render();
    list.children[place + by]?.querySelector(`[data-act="${by < 0 ? "up" : "down"}"]`)?.focus();
  }

  function button(act, text, run, disabled = false) {
    return node("button", { type: "button", title: texts[act], "aria-label": texts[act], "data-act": act, disabled, onclick: run }, text);
  }

  function field(name, input, label = texts[name]) {
    return node("label", { className: `op-region-${name}` }, node("span", {}, label), input);
  }

  function number(region, name, settings) {
    const value = region[name] ?? "";
    const input = node("input", { type: "number", value, ...settings });
    input.addEventListener("input", () => set(region, name, input.value === "" ? null : Number(input.value)));
    return input;
  }

  function row(region, place) {
    const prompt = node("textarea", { rows: 2, value: region.prompt ?? "", placeholder: texts.promptHint, "aria-label": texts.prompt });
    prompt.addEventListener("input", () => set(region, "prompt", prompt.value));
    const seed = number(region, "seed", { step: 1, min: -1 });
    const content = node("select", {}, ...contents.map((label, k) => node("option", { value: k, selected: k === (region.content ?? 1) }, label)));
    content.addEventListener("change", () => set(region, "content", Number(content.value)));
    const choose = (event) => () => {
      publish(region.id);
      event();
    };
    const used = seeds[region.id];
    const reuse = button("reuse", `♻ ${used}`, () => {
      seed.value = used;
      set(region, "seed", Number(used));
    });
    reuse.hidden = used === undefined;
    return node(
      "li",
      { "aria-label": texts.region.replace("#", place + 1) },
      node("button", { type: "button", className: "op-region-mask", title: texts.pick, "aria-label": texts.pick, onclick: choose(events.pick) }, node("img", { src: region.thumb ?? "", alt: "" }), node("b", {}, place + 1)),
      node("div", { className: "op-region-body" }, prompt,
        node("div", { className: "op-region-fields" },
          field("strength", number(region, "strength", { min: 0, max: 1, step: 0.05, placeholder: texts.strengthHint })),
          field("seed", seed),
          field("content", content),
          reuse)),
      node("div", { className: "op-region-acts" },
        button("alone", "▶", choose(events.alone)),
        button("up", "↑", () => move(place, -1), place === 0),
        button("down", "↓", () => move(place, 1), place === regions.length - 1),
        button("remove", "✕", () => {
          regions = regions.filter((entry) => entry.id !== region.id);
          changed();
          render();
        })),
    );
  }

  function render() {
    list.replaceChildren(...regions.map(row));
    list.hidden = !regions.length;
  }

  /** What the server says: a whole list, a new region, or the seeds of the last run. */
  function adopt(value) {
    if (value?.regions) regions = value.regions;
    if (value?.seeds) seeds = value.seeds;
    const added = value?.add ? [value.add] : (value?.more ?? []);
    if (added.length) {
      const fresh = { prompt: "", strength: null, seed: -1, content: 1 };
      regions = [...regions, ...added.map((region) => ({ ...fresh, ...region }))];
      changed();
      if (value.add) clearCanvas();
    } else {
      publish();
    }
    render();
  }

  watch("value", () => adopt(props.value));
  adopt(props.value);
}
