// Elements of a page, in one expression.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An HTML element with attributes, listeners (`onclick`) and children. */
export const el = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);

/** An SVG element. */
export const svg = (tag, properties, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

/** A button. */
export const button = (label, onclick, properties) => el("button", { type: "button", onclick, ...properties }, label);

/** A label with a list of choices, `[value, text]` each. */
export function choice(label, choices, chosen, onchange) {
  const options = choices.map(([value, text]) => el("option", { value, selected: String(value) === String(chosen) }, text));
  const select = el("select", { onchange: () => onchange(select.value) }, options);
  return el("label", { class: "field" }, label, select);
}

/** A label with a slider. */
export function slider(label, range, oninput) {
  const input = el("input", { type: "range", ...range, oninput: () => oninput(Number(input.value)) });
  return [el("label", { class: "field wide" }, label, input), input];
}

/** Says something to people who listen to the page instead of looking at it. */
export function say(text) {
  document.getElementById("status").textContent = text;
}

/** Words of a name such as `free_energy_gap`. */
export const words = (name) => name.replaceAll("_", " ");

/** A number with few digits. */
export function digits(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(2);
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3).replace("-", "−");
}

/** Seconds in words. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
