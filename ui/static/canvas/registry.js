// All canvases of the page by name: what Generate sends, where a paste goes, which one hears keys.

const editors = new Map();
let hovered = null;

export function register(editor) {
  editors.set(editor.id, editor);
  editor.root.addEventListener("pointerenter", () => (hovered = editor));
  editor.root.addEventListener("pointerleave", () => hovered === editor && (hovered = null));
}

export const find = (id) => editors.get(id);

/** The canvas that keys are for: under the mouse, or with the focus inside. */
export function active() {
  const focused = [...editors.values()].find((editor) => editor.root.contains(document.activeElement));
  const editor = hovered ?? focused;
  return editor?.isVisible ? editor : null;
}

export const visible = () => [...editors.values()].filter((editor) => editor.isVisible);

/** The canvas in front that has a drawing: a picture field has none. */
export const painted = () => visible().find((editor) => editor.paper.kind !== "picture");

/** An event's inputs, with the drawings of its canvases uploaded if they have changed. */
export async function flush(inputs) {
  const sent = inputs.map((value) => (find(value?.canvas)?.flush() ?? value));
  return inputs.length === 1 ? sent[0] : Promise.all(sent);
}
