// The browser of extra networks: cards by kind, a search box, a click that writes or removes a tag.
// Names come from file names: they are set as text, never as HTML.

import { loadStyle } from "./sheets.js";

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** What finds a card's text in a prompt: a tag whatever its strengths, or an embedding's name as a word. */
export function pattern(kind, card) {
  if (kind === "embedding") return new RegExp(`(?<![\\p{L}\\p{N}_-])${escaped(card.tag)}(?![\\p{L}\\p{N}_-])`, "iu");
  const tags = kind === "lora" ? "(?:lora|lyco)" : "hypernet";
  return new RegExp(`<${tags}:${escaped(card.name)}(?::[^>]*)?>`, "u");
}

/** The prompt without the card's text, and without what joined it to the rest. */
export function without(text, kind, card) {
  const found = pattern(kind, card).exec(text);
  if (!found) return text;
  let before = text.slice(0, found.index);
  let after = text.slice(found.index + found[0].length);
  if (kind === "embedding") {
    if (/,\s*$/.test(before)) before = before.replace(/,\s*$/, "");
    else after = after.replace(/^,[ \t]*/, "");
  } else if (/[ \t]$/.test(before)) before = before.slice(0, -1);
  return before + after;
}

/** The prompt with the card's text at `place`, and where the cursor stands then. */
export function withText(text, place, kind, card) {
  const before = text.slice(0, place);
  const after = text.slice(place);
  let joint = "";
  if (kind === "embedding" && /[^\s,(]\s*$/.test(before)) joint = before.endsWith(" ") ? "" : ", ";
  else if (kind !== "embedding" && /\S$/.test(before)) joint = " ";
  const tail = kind === "embedding" && /^\s*[^\s,)]/.test(after) ? ", " : "";
  const start = before + joint + card.tag;
  return [start + tail + after.replace(tail ? /^\s+/ : /^/, ""), start.length];
}

export function attach(element, props, trigger, watch) {
  const root = element.querySelector(".op-network-browser");
  const list = root.querySelector(".op-network-cards");
  const search = root.querySelector("input[type=search]");
  const how = root.querySelector(".op-network-how");
  const buttons = [...root.querySelectorAll("[data-kind]")];
  const box = (name) => document.getElementById(`${root.dataset.tab}_${name}`)?.querySelector("textarea");
  let kind = "lora";
  let last = "prompt";
  const touched = new Set();
  loadStyle("networks.css");

  document.addEventListener("focusin", (event) => {
    for (const name of ["prompt", "neg_prompt"]) {
      if (event.target === box(name)) {
        last = name;
        touched.add(name);
      }
    }
  });
  document.addEventListener("input", (event) => {
    if (event.target === box("prompt") || event.target === box("neg_prompt")) press();
  });

  /** Tags of networks count in the positive prompt only; embeddings count in both. */
  const target = () => (kind === "embedding" ? last : "prompt");

  function write(name, text, cursor) {
    const area = box(name);
    area.value = text;
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.setSelectionRange(cursor, cursor);
  }

  function toggle(card) {
    const names = kind === "embedding" ? ["prompt", "neg_prompt"] : ["prompt"];
    const where = names.find((name) => pattern(kind, card).test(box(name)?.value ?? ""));
    if (where) {
      const text = without(box(where).value, kind, card);
      return write(where, text, text.length);
    }
    const area = box(target());
    if (!area) return;
    const place = touched.has(target()) ? area.selectionStart : area.value.length;
    write(target(), ...withText(area.value, place, kind, card));
  }

  function click(card) {
    if (kind !== "checkpoint") return toggle(card);
    props.value = { ...props.value, chosen: card.tag };
    trigger("select");
  }

  function drawn(card) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "op-network-card";
    button.title = card.folder ? `${card.folder}/${card.name}` : card.name;
    if (card.preview) {
      const image = document.createElement("img");
      image.src = card.preview;
      image.alt = "";
      image.loading = "lazy";
      button.append(image);
    }
    for (const [name, text] of [["name", card.name], ["note", card.note]]) {
      if (!text) continue;
      const line = document.createElement("span");
      line.className = `op-network-${name}`;
      line.textContent = text;
      button.append(line);
    }
    button.addEventListener("click", () => click(card));
    const item = document.createElement("div");
    item.setAttribute("role", "listitem");
    item.append(button);
    return { item, button, card };
  }

  let shown = [];
  function render() {
    const all = props.value?.cards?.[kind] ?? [];
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const cards = all.filter((card) => words.every((word) => card.search.includes(word)));
    shown = cards.map(drawn);
    list.replaceChildren(...shown.map((one) => one.item));
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
    const says = kind === "checkpoint" ? root.dataset.howCheckpoint : root.dataset.how;
    if (cards.length) how.textContent = says;
    else how.textContent = all.length ? root.dataset.noMatch : props.value?.empty?.[kind] ?? "";
    press();
  }

  /** Cards whose text stands in a prompt look pressed. */
  function press() {
    if (kind === "checkpoint") return;
    const names = kind === "embedding" ? ["prompt", "neg_prompt"] : ["prompt"];
    const texts = names.map((name) => box(name)?.value ?? "");
    for (const { button, card } of shown) {
      const used = texts.some((text) => pattern(kind, card).test(text));
      button.setAttribute("aria-pressed", String(used));
    }
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      kind = button.dataset.kind;
      render();
    });
  }
  search.addEventListener("input", render);
  root.querySelector(".op-network-again").addEventListener("click", () => trigger("retry"));
  watch("value", render);
  render();
}
