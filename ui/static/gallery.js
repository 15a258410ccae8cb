// The result gallery: one large picture, a row of thumbnails, the infotext of the selected one.
// Pictures come from our own route; everything written by users is set as text, never as HTML.

import { Compare } from "./compare.js";
import { loadStyle } from "./sheets.js";
import { Viewer } from "./viewer.js";

const KEYS = { ArrowLeft: -1, ArrowRight: 1 };

export function attach(element, props, trigger, watch) {
  const root = element.querySelector(".op-gallery");
  const parts = {
    stage: root.querySelector(".op-stage"),
    image: root.querySelector(".op-stage img"),
    hint: root.querySelector(".op-empty"),
    thumbs: root.querySelector(".op-thumbs"),
    infotext: root.querySelector(".op-infotext"),
    download: root.querySelector(".op-download"),
    caption: root.querySelector(".op-caption"),
  };
  loadStyle("gallery.css");
  const compare = new Compare(root, (url) => {
    if (parts.image.getAttribute("src") !== url) parts.image.src = url;
  });

  const pictures = () => props.value?.pictures ?? [];
  const selected = () => Math.min(props.value?.selected ?? 0, pictures().length - 1);

  function select(index) {
    const count = pictures().length;
    if (!count) return;
    const wrapped = ((index % count) + count) % count;
    if (wrapped === props.value.selected) return;
    props.value = { ...props.value, selected: wrapped };
    render();
  }

  function thumbnail(picture, index) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "op-thumb";
    button.setAttribute("aria-label", `${root.dataset.pictureLabel} ${index + 1}, ${root.dataset.seedLabel} ${picture.seed}`);
    const image = document.createElement("img");
    image.src = picture.url;
    image.alt = "";
    image.loading = "lazy";
    button.append(image);
    button.addEventListener("click", () => select(index));
    return button;
  }

  const usual = parts.hint.textContent;
  let hint = usual;
  let shown = "";
  function render() {
    const list = pictures();
    const index = selected();
    const picture = list[index];
    root.classList.toggle("op-has-pictures", Boolean(picture));
    if (hint !== (props.value?.hint || usual)) parts.hint.textContent = hint = props.value?.hint || usual;
    const key = list.map((entry) => entry.id).join();
    if (key !== shown) {
      shown = key;
      parts.thumbs.replaceChildren(...list.map(thumbnail));
    }
    parts.thumbs.hidden = list.length < 2;
    [...parts.thumbs.children].forEach((child, i) => child.setAttribute("aria-current", i === index));
    compare.show(picture, props.value?.job);
    if (!picture) {
      parts.image.removeAttribute("src");
      parts.infotext.textContent = "";
      return;
    }
    parts.image.alt = picture.prompt;
    parts.infotext.textContent = picture.infotext;
    parts.download.href = picture.url;
    parts.download.download = picture.name;
    parts.caption.textContent = `${index + 1} / ${list.length} · ${picture.width}×${picture.height}` + (picture.incomplete ? ` · ${root.dataset.incompleteLabel}` : "");
  }

  root.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS)) return;
    event.preventDefault();
    select(selected() + KEYS[event.key]);
  });
  new Viewer(root, {
    count: () => pictures().length,
    walk: (by) => select(selected() + by),
    place: () => parts.caption.textContent,
    download: parts.download,
  });

  watch("value", render);
  render();
}
