// Walking between two images along the latent variables.

import { decode, encode, post } from "./api.js";
import { button, el, slider } from "./dom.js";
import { picture, show } from "./draw.js";

/** Images along the way. */
const STATIONS = 41;
/** Images of the strip. */
const STRIP = 9;
/** Time of an image when the walk plays. */
const FRAME = 60;

const draw = () => ({ seed: Math.floor(Math.random() * 2 ** 31) });

/** The panel. `pad` is the drawing, if there is one. */
export function walk(model, pad) {
  const ends = { from: draw(), to: draw() };
  const middle = picture(model.shape, "Image along the way");
  const message = el("p", { class: "muted small", role: "status" });
  const canvases = { from: picture(model.shape, "Start"), to: picture(model.shape, "End") };
  const strip = Array.from({ length: STRIP }, () => picture(model.shape, "Station", ""));
  let [images, timer] = [[], null];
  const [label, input] = slider("Way", { min: 0, max: STATIONS - 1, value: 0, step: 1 }, (k) => (stop(), render(k)));
  const render = (k) => {
    if (images[k]) show(middle, images[k]);
    middle.dataset.station = k;
  };
  async function update() {
    try {
      const found = await post(`${model.address}/walk`, { ...ends, stations: STATIONS });
      images = found.images.map(decode);
      show(canvases.from, images[0]);
      show(canvases.to, images.at(-1));
      strip.forEach((canvas, k) => show(canvas, images[Math.round((k * (STATIONS - 1)) / (STRIP - 1))]));
      render(Number(input.value));
      message.textContent = model.latent.normal
        ? `Along an arc in ${model.latent.width} dimensions, where the model has its mass.`
        : `Along a line in the ${model.latent.width} numbers of the code.`;
    } catch (error) {
      message.textContent = error.message;
    }
  }
  const stop = () => {
    clearInterval(timer);
    timer = null;
    toggle.textContent = "Play";
  };
  let direction = 1;
  const toggle = button("Play", () => {
    if (timer) return stop();
    toggle.textContent = "Pause";
    timer = setInterval(() => {
      if (!input.isConnected) return stop();
      const next = Number(input.value) + direction;
      if (next <= 0 || next >= STATIONS - 1) direction = -direction;
      input.value = next;
      render(Number(input.value));
    }, FRAME);
  }, { class: "main" });
  const side = (name, title) =>
    el("div", { class: "stack" }, el("h3", {}, title), canvases[name],
      button("Draw another", () => ((ends[name] = draw()), update())),
      pad && button("Take the drawing", () => ((ends[name] = { image: encode(pad.pixels) }), update())));
  update();
  return el("section", { class: "panel stack", "aria-label": "Walk" },
    el("div", { class: "ends" }, side("from", "Start"), el("div", { class: "middle stack" }, middle, label, el("div", { class: "tools" }, toggle)), side("to", "End")),
    el("div", { class: "strip" }, strip), message);
}
