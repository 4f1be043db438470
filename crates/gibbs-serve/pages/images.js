// Drawing an image, and what the model makes of it.

import { decode, encode, floats, post } from "./api.js";
import { plot } from "./curves.js";
import { button, choice, digits, el, say, slider } from "./dom.js";
import { Pad, picture, show } from "./draw.js";

/** Time after the last stroke until the model is asked. */
const PAUSE = 60;
/** Frames of a chain in a second, at most. */
const FRAMES = 30;
/** Frames of a recall in a second. */
const RECALL_FRAMES = 12;
/** Energies of a chain that are shown. */
const SHOWN = 300;
/** Completions that are shown. */
const COMPLETIONS = 8;
/** Numbers of a code that are shown as bars. */
const MOST_BARS = 32;
/** Part of the pixels that damage turns over. */
const DAMAGE = 0.2;

const seed = () => Math.floor(Math.random() * 2 ** 31);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** A result: a title, a sentence, and what it shows. */
const result = (title, about, ...content) =>
  el("section", { class: "panel stack", "aria-label": title }, el("div", {}, el("h3", {}, title), about && el("div", { class: "muted small" }, about)), content);

/** Asks again and again, one question at a time, the newest one last. */
function asker(ask) {
  let [busy, again] = [false, false];
  return async function run() {
    if (busy) return void (again = true);
    busy = true;
    await ask().catch((error) => say(error.message));
    busy = false;
    if (again) ((again = false), run());
  };
}

/** The pad with its tools, beside the results. */
export function studio(model) {
  const live = [];
  let timer;
  const pad = new Pad(model.shape, () => {
    clearTimeout(timer);
    timer = setTimeout(() => live.forEach((update) => update()), PAUSE);
  });
  const results = [];
  if (model.chain) results.push(chain(model, pad, live));
  if (model.recall) results.push(recall(model, pad, live));
  if (model.complete) results.push(complete(model, pad));
  if (model.reconstruct) results.push(reconstruct(model, pad, live));
  const drawing = el("div", { class: "stack" },
    el("div", { class: "panel stack" }, pad.canvas, tools(model, pad)), model.classify && classify(model, pad, live));
  const element = el("div", { class: "studio" }, drawing, el("div", { class: "results" }, results));
  if (model.examples.length > 0) pad.set(decode(model.examples[0]));
  else pad.update();
  return { pad, element };
}

function tools(model, pad) {
  const kinds = [["pen", "Pen"], ["eraser", "Eraser"], ...(model.complete ? [["unknown", "Mark as unknown"]] : [])];
  const buttons = kinds.map(([tool, label]) => button(label, () => use(tool), { "data-tool": tool }));
  const use = (tool) => {
    pad.tool = tool;
    for (const own of buttons) own.setAttribute("aria-pressed", own.dataset.tool === tool);
  };
  use("pen");
  let next = 0;
  const example = () => {
    next = (next + 1) % model.examples.length;
    pad.set(decode(model.examples[next]));
  };
  return el("div", { class: "stack" },
    el("div", { class: "tools", role: "group", "aria-label": "Tools" }, buttons),
    el("div", { class: "tools" },
      button("Clear", () => pad.clear()),
      model.examples.length > 0 && button("Next example", example),
      model.recall && button("Damage", () => pad.damage(DAMAGE), { title: "Turns over a fifth of the pixels" })));
}

function chain(model, pad, live) {
  const canvas = picture(model.shape, "State of the chain");
  const energies = el("div");
  const speed = el("span", { class: "muted small", "data-fps": "" });
  let [steps, isOn, past] = [1, false, []];
  const toggle = button("Dream", () => (isOn ? stop() : start()), { class: "main" });
  const stop = () => {
    isOn = false;
    toggle.textContent = "Dream";
    toggle.setAttribute("aria-pressed", false);
  };
  async function start() {
    isOn = true;
    toggle.textContent = "Stop";
    say("The chain dreams from the drawing");
    past = [];
    let request = { image: encode(pad.pixels) };
    const [chosen, began] = [seed(), performance.now()];
    try {
      for (let call = 0; isOn && canvas.isConnected; call++) {
        const next = sleep(1000 / FRAMES);
        const frame = await post(`${model.address}/chain`, { ...request, steps, seed: chosen, call });
        request = { state: frame.state };
        show(canvas, decode(frame.image));
        canvas.dataset.frames = call + 1;
        past.push([call, frame.energy]);
        energies.replaceChildren(plot([{ points: past.slice(-SHOWN) }], { label: `${model.chain.energy} along the chain`, height: 130 }));
        speed.textContent = `${(((call + 1) * 1000) / (performance.now() - began)).toFixed(0)} frames a second`;
        await next;
      }
    } catch (error) {
      speed.textContent = error.message;
      stop();
    }
  }
  const take = button("Copy to the drawing", () => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    pad.set(pad.pixels.map((_, i) => data[4 * i]));
  });
  live.push(() => past.length === 0 && show(canvas, pad.pixels));
  return result("Dream", "The Markov chain of the model starts from your drawing and goes on without it.", canvas,
    el("div", { class: "tools" }, toggle, take, choice("Steps a frame", [[1, "1"], [10, "10"], [100, "100"]], 1, (value) => (steps = Number(value)))),
    el("div", {}, el("div", { class: "muted small" }, model.chain.energy), energies), speed);
}

function recall(model, pad, live) {
  const canvas = picture(model.shape, "State of the memory");
  const curve = el("div");
  const text = el("p", { class: "muted small", role: "status" }, "Draw or damage a pattern, then recall.");
  let [path, token] = [null, 0];
  const render = (k) => {
    show(canvas, path.images[k]);
    const points = path.energies.map((energy, step) => [step, energy]);
    curve.replaceChildren(plot([{ points }], { label: "Energy along the recall", mark: k, height: 140 }));
    input.value = k;
    canvas.dataset.step = k;
  };
  const [label, input] = slider("Step", { min: 0, max: 0, value: 0, step: 1, disabled: true }, (k) => (token++, render(k)));
  const start = button("Recall", async () => {
    const own = ++token;
    try {
      const found = await post(`${model.address}/recall`, { image: encode(pad.pixels), seed: seed() });
      path = { images: found.images.map(decode), energies: found.energies };
      const last = path.images.length - 1;
      input.max = last;
      input.disabled = false;
      for (let k = 0; k <= last && own === token && canvas.isConnected; k++) {
        render(k);
        await sleep(1000 / RECALL_FRAMES);
      }
      text.textContent = `The energy falls from ${digits(path.energies[0])} to ${digits(path.energies[last])}.`;
      canvas.dataset.over = last;
    } catch (error) {
      text.textContent = error.message;
    }
  }, { class: "main" });
  live.push(() => path === null && show(canvas, pad.pixels));
  return result("Recall", "The memory goes downhill in energy until it rests in a stored pattern.", canvas, el("div", { class: "tools" }, start), label, curve, text);
}

function complete(model, pad) {
  const canvases = Array.from({ length: COMPLETIONS }, (_, k) => picture(model.shape, `Completion ${k + 1}`, ""));
  const text = el("p", { class: "muted small", role: "status" }, model.complete.how);
  for (const canvas of canvases) show(canvas, new Uint8Array(pad.pixels.length));
  const start = button("Complete", async () => {
    if (pad.isWhole()) {
      text.textContent = "Mark a part of the drawing as unknown first: choose “Mark as unknown” and draw over it.";
      return;
    }
    start.disabled = true;
    try {
      const request = { image: encode(pad.pixels), known: encode(pad.known), n: COMPLETIONS, seed: seed() };
      const { images } = await post(`${model.address}/complete`, request);
      images.forEach((image, k) => show(canvases[k], decode(image)));
      canvases[0].dataset.done = Number(canvases[0].dataset.done ?? 0) + 1;
      text.textContent = model.complete.how;
    } catch (error) {
      text.textContent = error.message;
    }
    start.disabled = false;
  }, { class: "main" });
  const lower = button("Hide the lower half", () => {
    const half = pad.known.map((_, i) => (i < pad.known.length / 2 ? 1 : 0));
    pad.set(pad.pixels, half);
  });
  return result("Complete", "What the model draws in place of the unknown pixels.", el("div", { class: "tools" }, start, lower), el("div", { class: "thumbs" }, canvases), text);
}

function reconstruct(model, pad, live) {
  const canvas = picture(model.shape, "Reconstruction");
  const bars = el("div", { class: "bars", role: "img", "aria-label": "Code" });
  live.push(asker(async () => {
    const { code, image } = await post(`${model.address}/reconstruct`, { image: encode(pad.pixels) });
    show(canvas, decode(image));
    const numbers = Array.from(floats(code));
    const largest = Math.max(...numbers.map(Math.abs), 1e-9);
    bars.replaceChildren(...numbers.slice(0, MOST_BARS).flatMap((value, k) => bar(String(k + 1), Math.abs(value) / largest, digits(value), value > 0)));
  }));
  return result("Reconstruction", "Your drawing, compressed to a code and restored.", canvas, bars);
}

function bar(name, part, text, isBest) {
  const length = el("span", { class: isBest ? "bar best" : "bar" });
  length.style.width = `${100 * part}%`;
  return [el("span", { class: "muted" }, name), length, el("span", { class: "muted" }, text)];
}

function classify(model, pad, live) {
  const bars = el("div", { class: "bars" });
  const text = el("p", { class: "small", role: "status" });
  live.push(asker(async () => {
    const probs = Array.from(floats((await post(`${model.address}/classify`, { image: encode(pad.pixels) })).probs));
    const best = probs.indexOf(Math.max(...probs));
    text.textContent = `This is a ${model.classify.classes[best]} (${(100 * probs[best]).toFixed(0)} %).`;
    bars.replaceChildren(...probs.flatMap((p, k) => bar(model.classify.classes[k], p, `${(100 * p).toFixed(0)} %`, k === best)));
  }));
  return result("Class", null, text, bars);
}
