// Brings a canvas of the page to life; called once for each by its component.

import * as aspect from "./aspect.js";
import * as drop from "./drop.js";
import { Editor } from "./editor.js";
import * as keys from "./keys.js";
import * as paste from "./paste.js";
import { register } from "./registry.js";
import { loadStyle } from "./style.js";

export async function attach(element, { props, upload, watch, changed }) {
  await loadStyle();
  const editor = new Editor(element.querySelector(".opc"), { props, upload, changed });
  register(editor);
  aspect.listen();
  drop.listen();
  keys.listen();
  paste.listen();
  watch("value", () => editor.adopt(props.value));
  await editor.adopt(props.value);
  editor.root.dataset.ready = "";
}
