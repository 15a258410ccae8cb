// A result beside its input: which of three views is seen, the slider, what is said about the mask.
// Everything is fetched when it is looked at, so that results never wait for it.

const NOTHING = { proof: "", seam: "", difference: "" };

export class Compare {
  /** `showImage(url)` changes the large picture of the gallery. */
  constructor(root, showImage) {
    this.root = root;
    this.showImage = showImage;
    this.told = new Map();
    this.view = "result";
    this.job = "";
    const part = (name) => root.querySelector(name);
    this.views = part(".op-views");
    this.stage = part(".op-stage");
    this.box = part(".op-compare");
    this.frame = part(".op-compare-frame");
    this.before = part(".op-before");
    this.after = part(".op-after");
    this.slider = part(".op-compare input");
    this.lines = { proof: part(".op-proof"), seam: part(".op-seam"), difference: part(".op-difference") };
    for (const button of this.views.children) button.addEventListener("click", () => this.choose(button.dataset.view));
    this.slider.addEventListener("input", () => this.split());
    this.slider.addEventListener("keydown", (event) => event.stopPropagation());
    this.split();
  }

  /** Look at another picture; a new job begins with its plain result. */
  show(picture, job) {
    if (job !== this.job) this.view = "result";
    this.job = job;
    this.picture = picture;
    this.views.hidden = !picture?.proof;
    this.render();
    this.tell();
  }

  choose(view) {
    this.view = view;
    this.render();
  }

  render() {
    const { picture } = this;
    const view = picture?.proof ? this.view : "result";
    for (const button of this.views.children) button.setAttribute("aria-pressed", button.dataset.view === view);
    this.box.hidden = view !== "compare";
    this.stage.hidden = view === "compare";
    this.lines.difference.hidden = view !== "difference";
    if (!picture) return;
    if (view === "compare") {
      this.frame.style.setProperty("--ratio", picture.width / picture.height);
      this.before.src = `${picture.proof}/before`;
      this.after.src = picture.url;
    }
    this.showImage(view === "difference" ? `${picture.proof}/difference` : picture.url);
  }

  split() {
    this.frame.style.setProperty("--split", `${this.slider.value}%`);
  }

  async tell() {
    const { picture } = this;
    if (picture?.proof && !this.told.has(picture.id)) this.told.set(picture.id, await this.ask(picture.proof));
    if (picture !== this.picture) return;
    const told = (picture && this.told.get(picture.id)) ?? NOTHING;
    for (const [name, line] of Object.entries(this.lines)) line.textContent = told[name];
  }

  /** What the server says about a picture; nothing when its files are gone. */
  async ask(address) {
    try {
      const answer = await fetch(address);
      return answer.ok ? await answer.json() : NOTHING;
    } catch {
      return NOTHING;
    }
  }
}
