// Passes on to a canvas what the server says about the model's view of it.

import { find } from "./registry.js";

export function attach(element, props, trigger, watch) {
  const show = () => {
    for (const [canvas, seen] of Object.entries(props.value ?? {})) find(canvas)?.showModelView(seen);
  };
  watch("value", show);
  show();
}
