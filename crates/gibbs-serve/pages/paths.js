// Points that a flow carries from a normal distribution to the data.

import { floats, post } from "./api.js";
import { button, choice, el, slider } from "./dom.js";

/** Positions of the slider. */
const POSITIONS = 400;
/** Seconds of a pass through the flow. */
const SECONDS = 4;
/** Pixels of the canvas. */
const SIZE = 1120;
/** Distance to the pointer within which points are marked, of the width of the picture. */
const REACH = 0.06;

/** The panel. */
export function paths(model) {
  const canvas = el("canvas", { width: SIZE, height: SIZE, class: "smooth wide-canvas", role: "img", "aria-label": "Points in the plane" });
  canvas.style.touchAction = "none";
  const message = el("p", { class: "muted small", role: "status" });
  let [frames, marked, view, n, timer] = [[], new Set(), null, 1500, null];

  /** Points between two frames. */
  const at = (position) => {
    const place = position * (frames.length - 1);
    const [k, part] = [Math.min(Math.floor(place), frames.length - 2), place - Math.min(Math.floor(place), frames.length - 2)];
    return frames[k].map((x, i) => x + part * (frames[k + 1][i] - x));
  };
  const toPixel = (x, y) => [((x - view.x) / view.size + 0.5) * SIZE, (0.5 - (y - view.y) / view.size) * SIZE];

  function render() {
    if (frames.length === 0) return;
    const style = getComputedStyle(canvas);
    const [accent, muted] = [style.getPropertyValue("--accent"), style.getPropertyValue("--muted")];
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, SIZE, SIZE);
    const points = at(Number(input.value) / POSITIONS);
    for (const isMarked of [false, true]) {
      context.fillStyle = isMarked ? accent : muted;
      context.globalAlpha = isMarked ? 0.95 : marked.size > 0 ? 0.35 : 0.6;
      for (let i = 0; i < points.length / 2; i++) {
        if (marked.has(i) !== isMarked) continue;
        const [x, y] = toPixel(points[2 * i], points[2 * i + 1]);
        context.beginPath();
        context.arc(x, y, isMarked ? 5 : 4, 0, 7);
        context.fill();
      }
    }
    canvas.dataset.position = input.value;
  }

  const what = model.paths.parts;
  const [label, input] = slider(what[0].toUpperCase() + what.slice(1), { min: 0, max: POSITIONS, value: 0, step: 1 }, () => (stop(), render()));
  const stop = () => {
    cancelAnimationFrame(timer);
    timer = null;
    toggle.textContent = "Play";
  };
  const toggle = button("Play", () => {
    if (timer) return stop();
    toggle.textContent = "Pause";
    const from = Number(input.value) >= POSITIONS ? 0 : Number(input.value);
    const began = performance.now() - (from / POSITIONS) * SECONDS * 1000;
    const frame = () => {
      const part = Math.min(1, (performance.now() - began) / (SECONDS * 1000));
      input.value = part * POSITIONS;
      render();
      if (part < 1 && canvas.isConnected) timer = requestAnimationFrame(frame);
      else stop();
    };
    timer = requestAnimationFrame(frame);
  }, { class: "main" });

  function mark(event) {
    if (event.buttons === 0 || frames.length === 0) return;
    const box = canvas.getBoundingClientRect();
    const [px, py] = [((event.clientX - box.left) / box.width) * SIZE, ((event.clientY - box.top) / box.height) * SIZE];
    const points = at(Number(input.value) / POSITIONS);
    for (let i = 0; i < points.length / 2; i++) {
      const [x, y] = toPixel(points[2 * i], points[2 * i + 1]);
      if (Math.hypot(x - px, y - py) < REACH * SIZE) marked.add(i);
    }
    render();
  }
  canvas.addEventListener("pointerdown", mark);
  canvas.addEventListener("pointermove", mark);

  /** Marks the points on the right at the start. */
  const markSide = () => {
    const start = frames[0] ?? [];
    const middle = view?.x ?? 0;
    marked = new Set(Array.from({ length: start.length / 2 }, (_, i) => i).filter((i) => start[2 * i] > middle));
    render();
  };

  async function load() {
    try {
      const found = await post(`${model.address}/paths`, { n, seed: 1 });
      frames = found.frames.map((text) => Array.from(floats(text)));
      const all = [frames[0], frames.at(-1)].flat();
      const ends = (k) => all.filter((_, i) => i % 2 === k).sort((a, b) => a - b);
      const range = (sorted) => [sorted[Math.floor(0.002 * sorted.length)], sorted[Math.floor(0.998 * (sorted.length - 1))]];
      const [[x0, x1], [y0, y1]] = [range(ends(0)), range(ends(1))];
      view = { x: (x0 + x1) / 2, y: (y0 + y1) / 2, size: 1.12 * Math.max(x1 - x0, y1 - y0) };
      message.textContent = "Press on the points and move to mark some, then let the flow carry them.";
      render();
    } catch (error) {
      message.textContent = error.message;
    }
  }
  load();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", render);
  return el("section", { class: "panel two", "aria-label": "Flow" }, canvas,
    el("div", { class: "stack" },
      el("p", { class: "muted" }, "At the left end of the slider the points are draws from the base: a normal distribution, or a mixture of them. At the right end they are draws from the model."),
      label,
      el("div", { class: "tools" }, toggle, button("Mark the right side", markSide), button("Mark none", () => (marked.clear(), render()))),
      choice("Points", [[500, "500"], [1500, "1500"], [4000, "4000"]], n, (value) => ((n = Number(value)), marked.clear(), load())),
      message));
}
