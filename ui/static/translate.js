// The page in another language: English texts are looked up in a catalogue and replaced in place.
// The server and the values it gets stay English; what users write is left alone.

import { onSettings, setting } from "./controls.js";

export const LANGUAGES = { English: "en", 简体中文: "zh-Hans", 日本語: "ja" };
const ATTRIBUTES = ["title", "placeholder", "aria-label", "data-original-title"];
const SKIPPED = "script, style, code, pre, textarea, input, [contenteditable], [role=option], .op-infotext, .op-meta dd, .op-notranslate, .op-thumbs, .op-batch-prompt";

const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** A text with {places} as an expression that finds what stands in them; null without any. */
export function template(english) {
  const names = [];
  const source = english.split(/(\{\w*(?::[^}]*)?\})/).map((piece) => {
    const place = piece.match(/^\{(\w*)(?::[^}]*)?\}$/);
    if (!place) return literal(piece);
    names.push(place[1]);
    return "([\\s\\S]+?)";
  }).join("");
  return names.length && /[A-Za-z]{2}/.test(english.replace(/\{[^}]*\}/g, " ")) ? { pattern: new RegExp(`^${source}$`), names } : null;
}

/** A function that translates one text; it gives back what it does not know. */
export function translator(catalogue) {
  const templates = Object.entries(catalogue)
    .map(([english, other]) => ({ ...template(english), other, length: english.length }))
    .filter((entry) => entry.pattern)
    .sort((one, two) => two.length - one.length);

  function known(text) {
    if (Object.hasOwn(catalogue, text)) return catalogue[text];
    for (const { pattern, names, other } of templates) {
      const found = text.match(pattern);
      if (!found) continue;
      const values = Object.fromEntries(names.map((name, i) => [name, translate(found[i + 1])]));
      return other.replace(/\{(\w*)(?::[^}]*)?\}/g, (whole, name) => values[name] ?? whole);
    }
    return null;
  }

  function inPieces(text, separator, glue, enough) {
    const pieces = text.split(separator);
    if (pieces.length < 2) return null;
    const made = pieces.map((piece) => known(piece.trim()));
    return made[enough]((piece) => piece !== null) ? pieces.map((piece, i) => made[i] ?? piece).join(glue) : null;
  }

  function translate(text) {
    const bare = text.trim();
    if (!bare || !/[A-Za-z]/.test(bare)) return text;
    const made = known(bare) ?? inPieces(bare, "\n", "\n", "some")
      ?? inPieces(bare, /\s{2,}/, "  ", "some") ?? inPieces(bare, ", ", ", ", "every");
    return made === null ? text : text.replace(bare, () => made);
  }

  return translate;
}

/** Keeps what the page says in one language, also what is added later. */
class Page {
  constructor() {
    this.translate = null;
    this.english = new WeakMap();
    this.observer = new MutationObserver((changes) => changes.forEach((change) => this.changed(change)));
  }

  use(catalogue) {
    this.translate = catalogue && translator(catalogue);
    this.observer.disconnect();
    this.subtree(document.body);
    if (this.translate) {
      this.observer.observe(document.body, {
        childList: true, characterData: true, subtree: true, attributes: true, attributeFilter: ATTRIBUTES,
      });
    }
  }

  changed(change) {
    if (change.type === "characterData") this.text(change.target);
    else if (change.type === "attributes") this.attribute(change.target, change.attributeName);
    else change.addedNodes.forEach((node) => this.subtree(node));
  }

  subtree(node) {
    if (node.nodeType === Node.TEXT_NODE) return this.text(node);
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let at = node; at; at = walker.nextNode()) {
      if (at.nodeType === Node.TEXT_NODE) this.text(at);
      else ATTRIBUTES.forEach((name) => at.hasAttribute(name) && this.attribute(at, name));
    }
  }

  text(node) {
    if (node.parentElement?.closest(SKIPPED)) return;
    const made = this.made(node, "text", node.data);
    if (made !== node.data) node.data = made;
  }

  attribute(node, name) {
    if (node.closest(".op-notranslate")) return;
    const now = node.getAttribute(name) ?? "";
    const made = this.made(node, name, now);
    if (made !== now) node.setAttribute(name, made);
  }

  /** The translation of what stands there now, or of the English that stood there before. */
  made(node, name, now) {
    const memory = this.english.get(node) ?? {};
    const english = memory[name]?.made === now ? memory[name].english : now;
    const made = this.translate ? this.translate(english) : english;
    this.english.set(node, { ...memory, [name]: { english, made } });
    return made;
  }
}

/** The language that the settings or else the browser ask for. */
export function wantedLanguage(chosen, browser) {
  if (LANGUAGES[chosen]) return LANGUAGES[chosen];
  for (const name of browser) {
    const lower = name.toLowerCase();
    if (lower.startsWith("en")) return "en";
    if (lower.startsWith("ja")) return "ja";
    if (lower.startsWith("zh")) return "zh-Hans";
  }
  return "en";
}

export function start() {
  const page = new Page();
  let current = "en";
  async function follow() {
    const language = wantedLanguage(setting("localization", "None"), navigator.languages ?? [navigator.language]);
    if (language === current) return;
    current = language;
    document.documentElement.lang = language;
    if (language === "en") return page.use(null);
    const answer = await fetch(new URL("languages.json", import.meta.url));
    if (!answer.ok || current !== language) return;
    const { languages, texts } = await answer.json();
    const at = languages.indexOf(language);
    page.use(Object.fromEntries(Object.entries(texts).map(([english, others]) => [english, others[at]])));
  }
  onSettings(follow);
}
