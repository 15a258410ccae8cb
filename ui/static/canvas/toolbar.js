// Buttons and sliders around the picture. Every button carries data-act or data-tool, every setting
// data-set; texts are in the markup that the server wrote.

const BRUSH_TOOLS = ["brush", "eraser"];
const PERCENT = new Set(["hardness", "opacity", "tolerance"]);
const SMALLEST_BRUSH = 1;
const LARGEST_BRUSH = 1000;

export class Toolbar {
  constructor(editor, root) {
    this.editor = editor;
    this.root = root;
    this.tool = root.querySelector('[data-tool="brush"]') ? "brush" : "move";
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-tool], [data-act]");
      if (!button || button.disabled) return;
      if (button.dataset.tool) this.useTool(button.dataset.tool);
      else editor.act(button.dataset.act);
    });
    for (const input of root.querySelectorAll("[data-set]")) {
      input.addEventListener("input", () => this.#read(input));
      this.#read(input);
    }
    this.isReady = true;
  }

  useTool(name) {
    if (!this.root.querySelector(`[data-tool="${name}"]`)) return;
    this.tool = name;
    this.refresh();
  }

  set(name, value) {
    const input = this.root.querySelector(`[data-set="${name}"]`);
    if (!input) return;
    input.value = name === "size" ? brushToSlider(value) : value;
    this.#read(input);
    if (name === "size") this.#show("size", (this.editor.settings.size = value));
  }

  scaleBrush(factor) {
    const size = Math.min(LARGEST_BRUSH, Math.max(SMALLEST_BRUSH, this.editor.settings.size * factor));
    this.set("size", size);
  }

  refresh() {
    const { editor, root } = this;
    const history = editor.paper.history;
    for (const button of root.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", button.dataset.tool === this.tool);
    for (const part of root.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(this.tool);
    for (const button of root.querySelectorAll("[data-act]")) button.disabled = !this.#can(button.dataset.act, history);
    for (const button of root.querySelectorAll("[data-tool]")) button.disabled = !editor.hasPicture;
    root.classList.toggle("opc-empty", !editor.hasPicture);
    root.querySelector(".opc-viewport").dataset.cursor = BRUSH_TOOLS.includes(this.tool) ? "brush" : this.tool;
  }

  #can(act, history) {
    if (act === "undo") return Boolean(history?.undos.length);
    if (act === "redo") return Boolean(history?.redos.length);
    return this.editor.hasPicture || ["upload", "blank", "full"].includes(act);
  }

  #read(input) {
    const name = input.dataset.set;
    if (name === "shown") {
      if (this.isReady) this.editor.chooseView();
      return;
    }
    if (name === "colour" || name === "tone") {
      this.editor.settings[name] = input.value;
      if (name === "tone") this.editor.paper.setTone(input.value);
      return;
    }
    const number = Number(input.value);
    if (name === "size") this.editor.settings.size = sliderToBrush(number);
    else this.editor.settings[name] = PERCENT.has(name) ? number / 100 : number;
    this.#show(name, name === "size" ? this.editor.settings.size : number);
  }

  #show(name, value) {
    const output = this.root.querySelector(`[data-value="${name}"]`);
    if (output) output.textContent = PERCENT.has(name) ? `${value} %` : `${Math.round(value)} px`;
  }
}

const RANGE = Math.log(LARGEST_BRUSH / SMALLEST_BRUSH);
const sliderToBrush = (value) => SMALLEST_BRUSH * Math.exp((value / 100) * RANGE);
const brushToSlider = (size) => (Math.log(size / SMALLEST_BRUSH) / RANGE) * 100;
