// Progress bar, live preview and the page title while a job runs; a sound and a note when it ends.

import { setting } from "./controls.js";

const title = document.title;
const CHIME = [[660, 0], [880, 0.16]];

/** Two short tones; silent where the browser allows no sound yet. */
function chime(volume) {
  const Sound = window.AudioContext ?? window.webkitAudioContext;
  if (!Sound || volume <= 0) return;
  const context = new Sound();
  for (const [pitch, at] of CHIME) {
    const [tone, gain] = [context.createOscillator(), context.createGain()];
    const start = context.currentTime + at;
    tone.frequency.value = pitch;
    gain.gain.setValueAtTime(0.25 * volume, start);
    gain.gain.exponentialRampToValueAtTime(0.001, start + 0.3);
    tone.connect(gain).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.32);
  }
  setTimeout(() => context.close(), 1500);
}

/** Tell a user who is looking elsewhere; the browser asks him for leave on the settings page. */
function notify(text) {
  if (document.hasFocus()) return;
  if (setting("notification_audio", true)) chime(setting("notification_volume", 100) / 100);
  if (window.Notification?.permission !== "granted") return;
  const note = new Notification(title, { body: text });
  note.addEventListener("click", () => { window.focus(); note.close(); });
}

export function attach(element, props, trigger, watch) {
  const root = element.querySelector(".op-monitor");
  const bar = root.querySelector(".op-bar > div");
  const text = root.querySelector(".op-bar-text");
  const image = root.querySelector("img");
  const message = root.querySelector(".op-message");
  let wasActive = false;

  function render() {
    const state = props.value ?? {};
    const active = Boolean(state.active);
    root.classList.toggle("op-active", active);
    root.classList.toggle("op-error", Boolean(state.error));
    const percent = Math.round((state.fraction ?? 0) * 100);
    bar.style.width = `${percent}%`;
    bar.parentElement.setAttribute("aria-valuenow", percent);
    bar.parentElement.hidden = !setting("show_progressbar", true);
    text.textContent = state.text ?? "";
    message.textContent = state.error || state.log || "";
    if (state.preview) image.src = state.preview;
    else image.removeAttribute("src");
    if (active && setting("show_progress_in_title", true)) {
      document.title = `[${percent}%${state.eta ? ` ETA: ${state.eta}` : ""}] ${title}`;
    } else if (wasActive) document.title = title;
    if (wasActive && !active) notify(message.textContent);
    wasActive = active;
  }

  watch("value", render);
  render();
}
