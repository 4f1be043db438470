// The page of a run: what it reached, its curves, its model to play with, its pictures.

import { get, ofRun } from "./api.js";
import { Curves } from "./curves.js";
import { duration, el, say, words } from "./dom.js";
import { play } from "./panels.js";

/** Time between two looks at a run that is about to start. */
const EVERY = 700;

/** Metrics at the top of the page; more are folded away. */
const FIRST = 4;

const isTraining = (run) => run.state === "running" || run.state === "starting";

function facts(run) {
  const words = [run.family, run.data, run.seed === null ? null : `seed ${run.seed}`, duration(run.seconds)];
  return el("div", { class: "facts" },
    el("span", { class: `state ${run.state}` }, run.state),
    words.filter(Boolean).map((word) => el("span", {}, word)),
    run.report && el("a", { href: `${ofRun(run.id)}/files/report.html` }, "Report"));
}

const figure = (metric) =>
  el("div", { class: "panel figure" },
    el("div", { class: "muted small" }, words(metric.name)),
    el("div", {}, el("span", { class: "value" }, metric.text), " ", el("span", { class: "muted" }, metric.unit)),
    el("p", {}, metric.words));

/** Without the curves, which the page draws, and without a second form of a picture. */
function shown(pictures) {
  const stem = (name) => name.replace(/\.\w+$/, "");
  return pictures.filter(({ name }, i) => stem(name) !== "curves" && pictures.findIndex((other) => stem(other.name) === stem(name)) === i);
}

const gallery = (pictures, run) =>
  el("div", { class: "gallery" }, pictures.map(({ name, caption }) => {
    const path = `${ofRun(run.id)}/files/${encodeURIComponent(name)}`;
    const text = caption ?? words(name.replace(/\.\w+$/, ""));
    return el("figure", { class: "panel" },
      el("a", { href: path }, el("img", { src: path, alt: text, loading: "lazy" })), el("figcaption", {}, text));
  }));

/** The bar of a training, from what it logs. */
function bar(epochs) {
  const progress = el("progress", { max: 1, value: 0, "aria-label": "Progress of the training" });
  const text = el("p", { class: "muted small" }, "The training starts…");
  const update = (row) => {
    const part = epochs ? Math.min(1, row.epoch / epochs) : 0;
    progress.value = part;
    const left = part > 0.02 ? ` · ${duration((row.seconds * (1 - part)) / part)} left` : "";
    text.textContent = `Epoch ${Math.min(epochs ?? Infinity, row.epoch).toFixed(1)} of ${epochs ?? "?"} · ${duration(row.seconds)}${left}`;
  };
  return [el("div", { class: "panel stack" }, progress, text), update];
}

/** Adds what the server sends of a run until it does not train any more. */
function follow(run, curves, update, over) {
  const source = new EventSource(`${ofRun(run.id)}/events`);
  source.addEventListener("lines", (event) => {
    const rows = JSON.parse(event.data).filter((row) => row && typeof row === "object");
    curves.add(rows);
    const last = rows.findLast((row) => typeof row.epoch === "number");
    if (last) update?.(last);
  });
  source.addEventListener("restart", () => curves.restart());
  source.addEventListener("end", () => (source.close(), over()));
}

/** A section whose model is loaded when it is there. */
async function playground(run, place) {
  try {
    place.replaceChildren(...(await play(`${ofRun(run.id)}/play`)));
  } catch (error) {
    place.replaceChildren(el("h2", {}, "Playground"), el("p", { class: "muted" }, error.message));
  }
}

/** Shows a run, and follows it while it trains. */
export async function showRun(main, id) {
  document.title = `${id} · Gibbs`;
  const run = await get(ofRun(id));
  const head = [el("p", { class: "small" }, el("a", { href: "/" }, "← All runs")), el("h1", {}, id)];
  if (run.state === "starting" || run.state === "failed") {
    const text = run.state === "starting" ? "The program starts…" : `The training failed: ${run.damage}`;
    main.replaceChildren(...head, el("p", { class: run.state === "failed" ? "notice" : "lead", role: "status" }, text));
    if (run.state === "starting") setTimeout(() => showRun(main, id), EVERY);
    return;
  }
  const curves = new Curves();
  const [progress, update] = isTraining(run) ? bar(run.epochs) : [null, null];
  const models = el("section", { "aria-label": "Playground" });
  main.replaceChildren(...head, facts(run));
  if (run.damage) main.append(el("p", { class: "notice" }, run.damage));
  if (progress) main.append(progress);
  if (run.metrics.length > 0) main.append(el("div", { class: "figures" }, run.metrics.slice(0, FIRST).map(figure)));
  main.append(models, curves.element);
  const pictures = shown(run.pictures);
  if (pictures.length > 0) main.append(el("h2", {}, "Pictures"), gallery(pictures, run));
  const rest = run.metrics.slice(FIRST);
  if (rest.length > 0) main.append(el("details", {}, el("summary", {}, "More metrics"), el("div", { class: "figures" }, rest.map(figure))));
  main.append(el("details", {}, el("summary", {}, "Settings"), el("div", { class: "panel" }, el("pre", {}, JSON.stringify(run.config, null, 2)))));
  follow(run, curves, update, () => {
    if (!isTraining(run)) return;
    say("The training has ended");
    showRun(main, id);
  });
  if (!isTraining(run)) await playground(run, models);
}
