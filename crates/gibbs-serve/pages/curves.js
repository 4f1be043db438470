// Curves in SVG.

import { digits, el, svg, words } from "./dom.js";

const [WIDTH, HEIGHT] = [360, 190];
const MARGIN = { left: 50, right: 10, top: 10, bottom: 24 };
/** More points are not told apart. */
const MOST_POINTS = 600;
/** Fields of a logged line that are no metrics. */
const POSITION = ["step", "epoch", "seconds"];

/** A number of a log: NaN and infinity are text. */
const number = (value) => (typeof value === "string" ? Number(value.replace("inf", "Infinity")) : value);

/** At most MOST_POINTS of a list, the last one among them. */
function thinned(points) {
  const every = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, i) => i % every === 0 || i === points.length - 1);
}

/** Round numbers between two. */
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((candidate) => candidate >= rough);
  const first = Math.ceil(low / step);
  const found = [];
  for (let k = first; k * step <= high + 1e-9 * step; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

/**
 * Lines over a common axis. A line is `{ points: [[x, y], …], name, errors }`, the first one in the accent color. `mark` is a
 * place on the axis, `axis` its name, `range` the ends of the values.
 */
export function plot(lines, { label, mark, axis, range, height = HEIGHT } = {}) {
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "plot", role: "img", "aria-label": label });
  const finite = lines.flatMap((line) => line.points).filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (finite.length === 0) return picture;
  const [xs, ys] = [finite.map(([x]) => x), finite.map(([, y]) => y)];
  const ends = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const widened = ([low, high]) => (high > low ? [low, high] : [low - 0.5, high + 0.5]);
  const [[x0, x1], [y0, y1]] = [widened(ends(xs)), range ?? widened(ends(ys))];
  const [w, h] = [WIDTH - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom];
  const px = (x) => MARGIN.left + ((x - x0) / (x1 - x0)) * w;
  const py = (y) => MARGIN.top + (1 - (y - y0) / (y1 - y0)) * h;
  for (const y of ticks(y0, y1, height / 50)) {
    picture.append(svg("line", { class: "grid", x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: py(y), y2: py(y) }));
    picture.append(svg("text", { x: MARGIN.left - 8, y: py(y) + 4, "text-anchor": "end" }, short(y)));
  }
  for (const x of ticks(x0, x1, 4)) {
    picture.append(svg("text", { x: px(x), y: height - 6, "text-anchor": "middle" }, short(x)));
  }
  if (axis) picture.append(svg("text", { x: 4, y: height - 6 }, axis));
  for (const [k, line] of lines.entries()) {
    const points = thinned(line.points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y)));
    if (line.errors) {
      const band = line.errors.filter(([, low]) => Number.isFinite(low));
      const inside = (y) => Math.min(y1, Math.max(y0, y));
      const path = [...band.map(([x, low]) => [x, low]), ...band.map(([x, , high]) => [x, high]).reverse()];
      picture.append(svg("polygon", { class: "band", points: path.map(([x, y]) => `${px(x)},${py(inside(y))}`).join(" ") }));
    }
    const path = points.map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(" ");
    picture.append(svg("polyline", { class: k === 0 ? "line" : "line second", points: path }));
    const [x, y] = points.at(-1) ?? [];
    if (k === 0 && points.length > 0) picture.append(svg("circle", { class: "dot", cx: px(x), cy: py(y), r: 3 }));
  }
  if (mark !== undefined) {
    picture.append(svg("line", { class: "at", x1: px(mark), x2: px(mark), y1: MARGIN.top, y2: MARGIN.top + h }));
  }
  return picture;
}

const short = (value) => {
  const size = Math.abs(value);
  const text = size >= 1e6 ? value.toExponential(0) : size >= 1e4 ? `${value / 1e3}k` : String(value);
  return text.replace("-", "−");
};

/** The curves of a run, which grow as lines are added. */
export class Curves {
  constructor() {
    this.grid = el("div", { class: "curves" });
    this.element = el("section", { hidden: true, "aria-label": "Curves" }, el("h2", {}, "Curves"), this.grid);
    this.restart();
  }

  restart() {
    this.rows = [];
    this.figures = new Map();
    this.grid.replaceChildren();
    this.element.hidden = true;
  }

  /** Adds logged lines. */
  add(rows) {
    this.rows.push(...rows);
    if (!this.isWaiting) {
      this.isWaiting = true;
      requestAnimationFrame(() => ((this.isWaiting = false), this.render()));
    }
  }

  points(name) {
    const at = (row) => row.epoch ?? row.step;
    return this.rows.filter((row) => name in row).map((row) => [at(row), number(row[name])]);
  }

  render() {
    const names = [...new Set(this.rows.flatMap((row) => Object.keys(row)))].filter((name) => !POSITION.includes(name));
    const shown = names.filter((name) => !name.endsWith("_std_err") && this.points(name).length > 1);
    this.element.hidden = shown.length === 0;
    for (const name of shown) {
      // A metric of the training data is drawn with that of the validation data.
      const partner = name.startsWith("train_") ? name.replace("train_", "valid_") : null;
      if (partner && shown.includes(partner)) continue;
      const second = name.startsWith("valid_") ? name.replace("valid_", "train_") : null;
      this.draw(name, second && shown.includes(second) ? second : null, names);
    }
    this.element.dataset.points = this.rows.length;
  }

  draw(name, second, names) {
    const points = this.points(name);
    const errors = names.includes(`${name}_std_err`)
      ? this.rows.filter((row) => name in row).map((row) => [row.epoch ?? row.step, number(row[name]) - number(row[`${name}_std_err`]), number(row[name]) + number(row[`${name}_std_err`])])
      : null;
    const lines = [{ points, errors }, ...(second ? [{ points: this.points(second) }] : [])];
    const title = words(second ? name.replace("valid_", "") : name);
    const key = second
      ? el("span", { class: "key" }, el("b", {}, "validation"), " · training (dashed)")
      : el("span", { class: "key" }, el("b", {}, digits(points.at(-1)[1])));
    const content = [el("figcaption", {}, title, key), plot(lines, { axis: "epoch" in this.rows[0] ? "epoch" : "step", label: `${title}, last value ${digits(points.at(-1)[1])}` })];
    const figure = this.figures.get(name) ?? el("figure", { class: "panel curve" });
    if (!this.figures.has(name)) {
      this.figures.set(name, figure);
      this.grid.append(figure);
    }
    figure.replaceChildren(...content);
  }
}
