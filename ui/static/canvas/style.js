// The canvas's own style sheet, loaded once, before the first canvas is shown.

let loading = null;

export function loadStyle() {
  loading ??= new Promise((done) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL("canvas.css", import.meta.url);
    link.onload = link.onerror = done;
    document.head.append(link);
  });
  return loading;
}
