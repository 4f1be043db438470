// What an address shows.

import { get } from "./api.js";
import { el } from "./dom.js";
import { play } from "./panels.js";
import { showRun } from "./run.js";
import { showRuns } from "./runs.js";

// The cookie has the token from here on.
if (location.search) history.replaceState(null, "", location.pathname + location.hash);

const main = document.getElementById("main");
const [, kind, name] = location.pathname.split("/").map(decodeURIComponent);

async function showToy(toyName) {
  const { toys } = await get("/api/overview");
  const toy = toys.find((candidate) => candidate.name === toyName);
  if (!toy) throw new Error("there is no such model");
  document.title = `${toy.title} · Gibbs`;
  main.replaceChildren(el("h1", {}, toy.title), el("p", { class: "lead" }, toy.about));
  main.append(...(await play(`/api/toys/${encodeURIComponent(toyName)}/play`)));
}

try {
  if (kind === "run") await showRun(main, name);
  else if (kind === "play") await showToy(name);
  else await showRuns(main);
} catch (error) {
  main.replaceChildren(el("h1", {}, "Not here"), el("p", { class: "notice" }, error.message), el("a", { href: "/" }, "All runs"));
}
