// A lattice of spins with a temperature to turn.

import { decode, encode, post } from "./api.js";
import { plot } from "./curves.js";
import { button, choice, digits, el, say, slider } from "./dom.js";

/** Frames in a second, at most. */
const FRAMES = 30;
/** Magnetizations that are shown. */
const SHOWN = 300;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** The color of a theme as red, green and blue. */
function rgb(name) {
  const context = el("canvas", { width: 1, height: 1 }).getContext("2d");
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name);
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}

/** The panel. */
export function lattice(model) {
  const { lengths, temperatures, critical } = model.lattice;
  const [low, high] = temperatures;
  let length = lengths.includes(128) ? 128 : lengths.at(-1);
  let [temperature, sweeps, spins, isOn, past, call, start] = [high * 0.8, 1, null, false, [], 0, 0];
  const seed = Math.floor(Math.random() * 2 ** 31);
  const canvas = el("canvas", { class: "wide-canvas", role: "img", "aria-label": "Spins of the lattice" });
  const curve = el("div");
  const readout = (title) => {
    const value = el("b", {}, "–");
    return [value, el("div", { class: "readout" }, value, el("span", {}, title))];
  };
  const [magnetization, showsMagnetization] = readout("magnetization");
  const [exact, showsExact] = readout("|m| of the infinite lattice");
  const [energy, showsEnergy] = readout("energy of a spin");
  const speed = el("p", { class: "muted small", "data-fps": "" });
  const heat = el("b", {});

  function render(found) {
    const [up, down] = [rgb("--accent"), rgb("--tint")];
    canvas.width = canvas.height = length;
    const data = new ImageData(length, length);
    spins.forEach((spin, i) => data.data.set(spin ? up : down, 4 * i));
    canvas.getContext("2d").putImageData(data, 0, 0);
    magnetization.textContent = digits(found.magnetization);
    exact.textContent = digits(found.exact.magnetization);
    energy.textContent = digits(found.energy);
    past.push([call, found.magnetization]);
    curve.replaceChildren(plot([{ points: past.slice(-SHOWN) }], { label: "Magnetization over time", range: [-1, 1], height: 140 }));
    canvas.dataset.frames = call;
    canvas.dataset.magnetization = found.magnetization;
  }

  async function step() {
    const own = start;
    const request = { length, temperature, sweeps, seed, call: call++, ...(spins ? { spins: encode(spins) } : {}) };
    const found = await post(`${model.address}/sweep`, request);
    // The lattice was set anew while the server computed.
    if (own !== start) return;
    spins = decode(found.spins);
    render(found);
  }

  async function run() {
    isOn = true;
    toggle.textContent = "Pause";
    let [began, count] = [performance.now(), 0];
    try {
      while (isOn && canvas.isConnected) {
        const next = sleep(1000 / FRAMES);
        await step();
        count += 1;
        if (count % FRAMES === 0) {
          speed.textContent = `${((count * 1000) / (performance.now() - began)).toFixed(0)} frames a second`;
          [began, count] = [performance.now(), 0];
        }
        await next;
      }
    } catch (error) {
      speed.textContent = error.message;
    }
    isOn = false;
    toggle.textContent = "Run";
  }

  const toggle = button("Pause", () => (isOn ? (isOn = false) : run()), { class: "main" });
  const fresh = (value) => (start++, (spins = Uint8Array.from({ length: length * length }, value)), (past = []));
  const turn = (value) => {
    temperature = value;
    input.value = value;
    heat.textContent = `T = ${value.toFixed(2)}`;
    input.setAttribute("aria-valuetext", `temperature ${value.toFixed(2)}, ${value < critical ? "ordered" : "disordered"}`);
  };
  const [label, input] = slider("Temperature", { min: low, max: high, step: 0.01, value: temperature }, turn);
  const mark = el("span", {}, `critical: ${critical.toFixed(3)}`);
  mark.style.left = `${(100 * (critical - low)) / (high - low)}%`;
  const jump = (text, value) => button(text, () => (turn(value), say(`Temperature ${value.toFixed(2)}`)));
  turn(temperature);
  fresh(() => (Math.random() < 0.5 ? 1 : 0));
  requestAnimationFrame(run);
  label.replaceChildren("", input);
  input.setAttribute("aria-label", "Temperature");
  return el("section", { class: "panel two", "aria-label": "Lattice" },
    canvas,
    el("div", { class: "stack" },
      el("div", {}, el("div", { class: "tools" }, "Temperature", heat), label, el("div", { class: "scale" }, mark)),
      el("div", { class: "tools" }, jump("Cold", 0.75 * critical), jump("Critical", critical), jump("Hot", 1.5 * critical)),
      el("div", { class: "readouts" }, showsMagnetization, showsExact, showsEnergy),
      el("div", {}, el("div", { class: "muted small" }, "magnetization"), curve),
      el("div", { class: "tools" }, toggle, button("All up", () => fresh(() => 1)), button("Random", () => fresh(() => (Math.random() < 0.5 ? 1 : 0)))),
      el("div", { class: "tools" },
        choice("Length", lengths.map((n) => [n, `${n} × ${n}`]), length, (value) => ((length = Number(value)), fresh(() => (Math.random() < 0.5 ? 1 : 0)))),
        choice("Sweeps a frame", [[1, "1"], [5, "5"], [20, "20"]], sweeps, (value) => (sweeps = Number(value)))),
      speed));
}
