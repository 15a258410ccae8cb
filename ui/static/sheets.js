// Style sheets of ours that Gradio must not rewrite: loaded once each, beside the scripts.

export function loadStyle(name) {
  const href = String(new URL(name, import.meta.url));
  if (document.querySelector(`link[href="${href}"]`)) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = href;
  document.head.append(link);
}
