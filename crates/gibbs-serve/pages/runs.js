// The page of all runs.

import { get, post } from "./api.js";
import { button, duration, el, say, words } from "./dom.js";

/** Time between two looks at the list. */
const EVERY = 3000;

const state = (name) => el("span", { class: `state ${name}` }, name);

function row(run) {
  const metric = run.metric
    ? el("span", { class: "metric" }, `${run.metric.text} `, el("span", { class: "muted small" }, [run.metric.unit, words(run.metric.name)].filter(Boolean).join(" · ")))
    : el("span", { class: "metric muted small" }, run.damage ?? "");
  return el("li", {}, el("a", { href: `/run/${encodeURIComponent(run.id)}` },
    el("span", { class: "name" }, run.id),
    el("span", { class: "data muted" }, `${run.family} · ${run.data}`, run.seed === null ? "" : ` · seed ${run.seed}`),
    metric,
    el("span", { class: "seconds right muted" }, duration(run.seconds)),
    state(run.state)));
}

function offer({ name, title, about }) {
  const message = el("span", { class: "notice small", role: "alert" });
  const start = button("Train it", async () => {
    start.disabled = true;
    say(`${title}: the training starts`);
    try {
      const { id } = await post("/api/train", { offer: name });
      location.href = `/run/${encodeURIComponent(id)}`;
    } catch (error) {
      message.textContent = error.message;
      start.disabled = false;
    }
  }, { "aria-label": `Train it: ${title}` });
  return el("div", { class: "panel card" }, el("h3", {}, title), el("p", {}, about), el("div", { class: "tools" }, start, message));
}

const toy = ({ name, title, about }) =>
  el("a", { class: "panel card", href: `/play/${encodeURIComponent(name)}` }, el("h3", {}, title), el("p", {}, about));

/** Shows the list, and keeps it up to date. */
export async function showRuns(main) {
  document.title = "Gibbs";
  const list = el("ul", { class: "runs panel list" });
  const found = await get("/api/overview");
  const lead = el("p", { class: "lead" });
  let before;
  const show = ({ runs, folder }) => {
    const now = JSON.stringify(runs);
    if (now === before) return;
    before = now;
    lead.textContent = runs.length === 0
      ? `There are no runs in ${folder} yet. Train a small one below, or play with a model that needs no training.`
      : `${runs.length} ${runs.length === 1 ? "run" : "runs"} in ${folder}. Open one to see its curves and to play with its model.`;
    list.hidden = runs.length === 0;
    list.replaceChildren(...runs.map(row));
  };
  show(found);
  const sections = [el("h1", {}, "Runs"), lead, list];
  if (found.toys.length > 0) sections.push(el("h2", {}, "Play without training"), el("div", { class: "cards" }, found.toys.map(toy)));
  if (found.offers.length > 0) sections.push(el("h2", {}, "Train a small one"), el("div", { class: "cards" }, found.offers.map(offer)));
  main.replaceChildren(...sections);
  setInterval(async () => {
    if (!document.hidden) show(await get("/api/overview").catch(() => found));
  }, EVERY);
}
