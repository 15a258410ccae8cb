// Progress bar, live preview and the page title while a job runs.

const title = document.title;

export function attach(element, props, trigger, watch) {
  const root = element.querySelector(".op-monitor");
  const bar = root.querySelector(".op-bar > div");
  const text = root.querySelector(".op-bar-text");
  const image = root.querySelector("img");
  const message = root.querySelector(".op-message");

  function render() {
    const state = props.value ?? {};
    root.classList.toggle("op-active", Boolean(state.active));
    root.classList.toggle("op-error", Boolean(state.error));
    const percent = Math.round((state.fraction ?? 0) * 100);
    bar.style.width = `${percent}%`;
    bar.parentElement.setAttribute("aria-valuenow", percent);
    text.textContent = state.text ?? "";
    message.textContent = state.error || state.log || "";
    if (state.preview) image.src = state.preview;
    else image.removeAttribute("src");
    document.title = state.active ? `[${percent}%${state.eta ? ` ETA: ${state.eta}` : ""}] ${title}` : title;
  }

  watch("value", render);
  render();
}
