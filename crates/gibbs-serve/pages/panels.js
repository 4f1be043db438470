// The panels of a model: one for each thing that it can do.

import { get } from "./api.js";
import { el } from "./dom.js";
import { studio } from "./images.js";
import { lattice } from "./lattice.js";
import { paths } from "./paths.js";
import { walk } from "./walk.js";

/** The panels of the model at an address of the API. */
export async function play(address) {
  const model = { address, ...(await get(address)) };
  const found = [];
  if (model.lattice) found.push(lattice(model));
  let pad = null;
  if (model.shape && (model.chain || model.recall || model.complete || model.reconstruct || model.classify)) {
    const drawn = studio(model);
    pad = drawn.pad;
    found.push(el("h2", {}, "Draw"), drawn.element);
  }
  if (model.latent && model.shape) found.push(el("h2", {}, "Walk between two images"), walk(model, pad));
  if (model.paths) found.push(el("h2", {}, "Carry points through the flow"), paths(model));
  if (found.length === 0) found.push(el("p", { class: "muted" }, "There is nothing to play with here: the model knows neither images nor points in the plane."));
  return found;
}
