// Images on canvases, and the canvas that is drawn on.

import { el } from "./dom.js";

/** A canvas with a pixel for each pixel of an image. */
export function picture([rows, columns], label, className = "shown") {
  const canvas = el("canvas", { width: columns, height: rows, class: className, role: "img", "aria-label": label });
  canvas.style.aspectRatio = `${columns} / ${rows}`;
  return canvas;
}

/** Shows gray pixels from 0 to 255. Pixels that are not known are hatched. */
export function show(canvas, pixels, known) {
  const { width, height } = canvas;
  const data = new ImageData(width, height);
  for (let i = 0; i < pixels.length; i++) {
    const unknown = known && !known[i];
    const stripe = (((i % width) + Math.floor(i / width)) & 1) === 0;
    const color = unknown ? (stripe ? [72, 92, 190] : [46, 58, 120]) : [pixels[i], pixels[i], pixels[i]];
    data.data.set([...color, 255], 4 * i);
  }
  canvas.getContext("2d").putImageData(data, 0, 0);
}

/** An image that is drawn with the mouse, a finger, or the keyboard. */
export class Pad {
  /** `changed` is called after each change. */
  constructor(shape, changed) {
    const [rows, columns] = shape;
    this.shape = shape;
    this.changed = changed;
    this.pixels = new Uint8Array(rows * columns);
    this.known = new Uint8Array(rows * columns).fill(1);
    this.tool = "pen";
    this.radius = Math.max(0.5, Math.min(rows, columns) / 22);
    this.cursor = null;
    this.last = null;
    const label = `Drawing of ${rows} by ${columns} pixels. Arrow keys move the cursor, space draws, hold shift to draw while moving.`;
    this.canvas = el("canvas", { width: columns, height: rows, class: "pad", tabindex: 0, role: "img", "aria-label": label });
    this.canvas.style.aspectRatio = `${columns} / ${rows}`;
    this.canvas.addEventListener("pointerdown", (event) => this.press(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, () => (this.last = null));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("blur", () => ((this.cursor = null), this.render()));
    this.render();
  }

  /** Replaces the drawing. */
  set(pixels, known) {
    this.pixels.set(pixels);
    this.known.set(known ?? new Uint8Array(pixels.length).fill(1));
    this.update();
  }

  clear() {
    this.set(new Uint8Array(this.pixels.length));
  }

  /** Turns a part of the pixels to their opposite. */
  damage(part) {
    this.set(this.pixels.map((pixel) => (Math.random() < part ? 255 - pixel : pixel)));
  }

  /** Whether all is known. */
  isWhole() {
    return this.known.every(Boolean);
  }

  update() {
    this.render();
    this.changed();
  }

  render() {
    show(this.canvas, this.pixels, this.known);
    if (!this.cursor) return;
    const context = this.canvas.getContext("2d");
    context.fillStyle = "rgba(145, 167, 255, 0.75)";
    context.fillRect(this.cursor[0], this.cursor[1], 1, 1);
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const [rows, columns] = this.shape;
    return [((event.clientX - box.left) / box.width) * columns, ((event.clientY - box.top) / box.height) * rows];
  }

  press(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.last = this.place(event);
    this.cursor = null;
    this.stroke(this.last, this.last);
  }

  move(event) {
    if (!this.last) return;
    const at = this.place(event);
    this.stroke(this.last, at);
    this.last = at;
  }

  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    const [rows, columns] = this.shape;
    const before = this.cursor ?? [columns >> 1, rows >> 1];
    const clamp = (value, size) => Math.min(size - 1, Math.max(0, value));
    this.cursor = step ? [clamp(before[0] + step[0], columns), clamp(before[1] + step[1], rows)] : before;
    const middle = ([x, y]) => [x + 0.5, y + 0.5];
    if (!step || event.shiftKey) this.stroke(middle(step ? before : this.cursor), middle(this.cursor));
    else this.render();
  }

  /** Draws a line with soft edges. */
  stroke(from, to) {
    const [rows, columns] = this.shape;
    const radius = this.tool === "pen" ? this.radius : 1.8 * this.radius;
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const length = dx * dx + dy * dy;
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        const [px, py] = [x + 0.5 - from[0], y + 0.5 - from[1]];
        const part = length > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
        const distance = Math.hypot(px - part * dx, py - part * dy);
        const ink = Math.min(1, Math.max(0, radius + 0.5 - distance));
        if (ink > 0) this.touch(y * columns + x, ink);
      }
    }
    this.update();
  }

  touch(i, ink) {
    const value = Math.round(255 * ink);
    if (this.tool === "unknown") this.known[i] = 0;
    else this.known[i] = 1;
    if (this.tool === "pen") this.pixels[i] = Math.max(this.pixels[i], value);
    if (this.tool === "eraser") this.pixels[i] = Math.min(this.pixels[i], 255 - value);
  }
}
