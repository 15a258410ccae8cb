// The full-page viewer of a gallery (ui 9): walk, zoom, tiles, live previews, download, close.
// It shows what the gallery's large picture shows; the gallery alone knows which is selected.

import { byId, setting } from "./controls.js";
import { loadStyle } from "./sheets.js";

const KEYS = {
  ArrowLeft: "previous", ArrowUp: "previous", ArrowRight: "next", ArrowDown: "next",
  z: "zoom", t: "tile", l: "live", s: "save",
};
const LEFT_OUT = new Set(["ctrlKey", "metaKey", "altKey"]);

export class Viewer {
  /** `gallery` has `count()`, `walk(by)`, `place()` (a line of text) and `download` (a link). */
  constructor(root, gallery) {
    loadStyle("viewer.css");
    this.root = root;
    this.gallery = gallery;
    this.dialog = root.querySelector(".op-viewer");
    this.stage = root.querySelector(".op-viewer-stage");
    this.image = this.stage.querySelector("img");
    this.place = root.querySelector(".op-viewer-place");
    this.source = root.querySelector(".op-stage img");
    this.opener = root.querySelector(".op-stage");
    this.buttons = Object.fromEntries([...root.querySelectorAll(".op-viewer [data-do]")].map((node) => [node.dataset.do, node]));
    this.on = { zoom: true, tile: false, live: false };
    this.actions = {
      previous: () => this.walk(-1),
      next: () => this.walk(1),
      save: () => this.gallery.count() && this.gallery.download.click(),
      close: () => this.dialog.close(),
      ...Object.fromEntries(Object.keys(this.on).map((name) => [name, () => this.toggle(name)])),
    };
    this.watcher = new MutationObserver(() => this.render());
    this.listen();
  }

  listen() {
    this.opener.addEventListener("click", () => this.open());
    for (const [name, node] of Object.entries(this.buttons)) node.addEventListener("click", this.actions[name]);
    this.stage.addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("keydown", (event) => this.onKey(event));
    this.dialog.addEventListener("close", () => this.watcher.disconnect());
    for (const node of [this.opener, this.stage]) {
      node.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());
      node.addEventListener("auxclick", (event) => this.onMiddle(event));
    }
  }

  monitor() {
    return byId(this.root.querySelector(".op-infotext").id.replace("html_info", "html_log"));
  }

  /** Address of the running job's picture, while there is one. */
  preview() {
    const shown = this.monitor()?.querySelector(".op-active img.livePreview[src]");
    return shown?.getAttribute("src") ?? "";
  }

  open() {
    const wantsLive = Boolean(setting("js_live_preview_in_modal_lightbox", false));
    if (!setting("js_modal_lightbox", true) || this.dialog.open) return;
    if (this.preview() ? !wantsLive : !this.gallery.count()) return;
    this.on = { zoom: Boolean(setting("js_modal_lightbox_initially_zoomed", true)), tile: false, live: wantsLive };
    this.dialog.showModal();
    this.watcher.observe(this.source, { attributes: true, attributeFilter: ["src"] });
    const monitor = this.monitor();
    if (monitor) this.watcher.observe(monitor, { attributes: true, attributeFilter: ["src", "class"], subtree: true });
    this.render();
  }

  onKey(event) {
    event.stopPropagation(); // the gallery's own arrow keys would walk once more
    if ([...LEFT_OUT].some((name) => event[name])) return;
    const name = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!name) return;
    event.preventDefault();
    this.actions[name]();
  }

  /** The middle button opens the picture in a tab of its own. */
  onMiddle(event) {
    const url = this.source.getAttribute("src");
    if (event.button !== 1 || !url) return;
    event.preventDefault();
    window.open(url, "_blank", "noopener");
  }

  walk(by) {
    this.gallery.walk(by);
    this.render();
  }

  toggle(name) {
    this.on[name] = !this.on[name];
    this.render();
  }

  render() {
    if (!this.dialog.open) return;
    const live = this.on.live && this.preview();
    const url = live || this.source.getAttribute("src") || "";
    if (!url) return this.dialog.close();
    if (this.image.getAttribute("src") !== url) this.image.src = url;
    this.image.alt = live ? this.dialog.dataset.liveText : this.source.alt;
    this.stage.style.backgroundImage = this.on.tile ? `url("${url}")` : "none";
    this.dialog.classList.toggle("op-zoomed", this.on.zoom);
    this.dialog.classList.toggle("op-tiled", this.on.tile);
    for (const name of Object.keys(this.on)) this.buttons[name].setAttribute("aria-pressed", this.on[name]);
    this.buttons.previous.hidden = this.buttons.next.hidden = this.gallery.count() < 2;
    this.buttons.save.hidden = this.gallery.count() < 1;
    this.place.textContent = live ? this.dialog.dataset.liveText : this.gallery.place();
  }
}
