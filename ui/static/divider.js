// The handle between settings and results (ui 1): drag to resize, double-click for the usual ratio.

const SMALLEST = 320;

function add(row) {
  const [left, right] = row.children;
  if (!left || !right || row.querySelector(":scope > .op-divider")) return;
  const handle = document.createElement("div");
  handle.className = "op-divider";
  handle.setAttribute("aria-hidden", "true");
  row.insertBefore(handle, right);
  const usual = () => { left.style.flex = ""; right.style.flex = ""; };

  function move(event) {
    const box = row.getBoundingClientRect();
    const width = Math.min(Math.max(event.clientX - box.left, SMALLEST), box.width - SMALLEST);
    left.style.flex = `0 0 ${width}px`;
    right.style.flex = "1 1 0";
  }

  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", () => handle.removeEventListener("pointermove", move), { once: true });
  });
  handle.addEventListener("dblclick", usual);
}

export function divide() {
  document.querySelectorAll(".resize-handle-row").forEach(add);
}
