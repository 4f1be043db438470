// A person at the pages: trains a memory and a machine on a click, draws, recalls, dreams, completes, turns the temperature.
// SCREENSHOTS=FOLDER keeps pictures of the pages.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [gibbs, runs] = process.argv.slice(2);
const { SCREENSHOTS } = process.env;
/** Time for a training on a busy machine. */
const TRAINING = 600_000;

const server = spawn(gibbs, ["serve", runs, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
process.on("exit", () => server.kill());
const [address] = await once(createInterface({ input: server.stdout }), "line");
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 1400, height: 1000 } });
const page = await context.newPage();
page.setDefaultTimeout(60_000);
const problems = [];
page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
page.on("pageerror", (error) => problems.push(String(error)));

/** Gray pixels of a canvas. */
const pixels = (canvas) =>
  canvas.evaluate((element) => {
    const { data } = element.getContext("2d").getImageData(0, 0, element.width, element.height);
    return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]);
  });
const light = (image) => image.filter((pixel) => pixel > 127).length;
const data = (canvas, name) => canvas.evaluate((element, key) => Number(element.dataset[key] ?? 0), name);
async function until(what, condition, timeout = 60_000) {
  const end = Date.now() + timeout;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `waited too long: ${what}`);
    await page.waitForTimeout(100);
  }
}
async function step(name, run) {
  const began = Date.now();
  await run();
  assert.deepEqual(problems, [], `errors in the console: ${name}`);
  console.log(`${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
}
async function look(name) {
  if (!SCREENSHOTS) return;
  for (const [width, scheme] of [[1400, "light"], [1400, "dark"], [400, "light"]]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 1000 });
    await page.waitForTimeout(400);
    await page.screenshot({ path: `${SCREENSHOTS}/${name}-${width}-${scheme}.png`, fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1400, height: 1000 });
}
const home = () => page.getByRole("link", { name: "Gibbs" }).click();
const train = (title) => page.getByRole("button", { name: `Train it: ${title}` }).click();
const section = (name) => page.getByRole("region", { name, exact: true });
/** Draws a line on the pad between two places, in parts of its width. */
async function draw([x0, y0], [x1, y1]) {
  const box = await page.locator("canvas.pad").boundingBox();
  await page.mouse.move(box.x + x0 * box.width, box.y + y0 * box.height);
  await page.mouse.down();
  await page.mouse.move(box.x + x1 * box.width, box.y + y1 * box.height, { steps: 8 });
  await page.mouse.up();
}

await step("the address opens the page, and the token leaves it", async () => {
  await page.goto(address);
  await page.getByText("There are no runs").waitFor();
  assert.equal(new URL(page.url()).search, "");
  await page.reload();
  await page.getByText("There are no runs").waitFor();
  await look("start");
});

await step("a memory recalls a digit that was drawn over", async () => {
  await train("Hopfield memory");
  const recall = section("Recall");
  await recall.waitFor({ timeout: TRAINING });
  const pad = page.locator("canvas.pad");
  const stored = await pixels(pad);
  await draw([0.2, 0.15], [0.8, 0.2]);
  const drawn = await pixels(pad);
  assert.ok(light(drawn) > light(stored), "the pen leaves ink");
  await recall.getByRole("button", { name: "Recall" }).click();
  const canvas = recall.locator("canvas");
  await until("the end of the recall", async () => (await data(canvas, "over")) > 0);
  const recalled = await pixels(canvas);
  const wrong = (image) => image.filter((pixel, i) => pixel > 127 !== stored[i] > 127).length;
  assert.ok(wrong(drawn) > 10 && wrong(recalled) <= wrong(drawn) / 4, `${wrong(drawn)} wrong pixels became ${wrong(recalled)}`);
  await look("hopfield");
});

await step("the keyboard draws", async () => {
  const pad = page.locator("canvas.pad");
  await page.getByRole("button", { name: "Clear" }).click();
  await pad.focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("Shift+ArrowRight");
  assert.ok(light(await pixels(pad)) > 0);
});

await step("curves grow while a machine trains", async () => {
  await home();
  await train("Restricted Boltzmann machine");
  await page.waitForURL(/first-rbm/);
  const curves = page.locator("[data-points]");
  await curves.waitFor({ state: "attached", timeout: TRAINING });
  const seen = new Set();
  await until("three different lengths of the curves", async () => {
    seen.add(await data(curves, "points"));
    return seen.size >= 3 && (await page.locator(".curve svg polyline").count()) > 0;
  }, TRAINING);
  if (SCREENSHOTS) await look("training");
  await section("Dream").waitFor({ timeout: TRAINING });
});

await step("its chain dreams from a drawing", async () => {
  const dream = section("Dream");
  await page.getByRole("button", { name: "Clear" }).click();
  await draw([0.5, 0.2], [0.48, 0.8]);
  await dream.getByRole("button", { name: "Dream" }).click();
  const canvas = dream.locator("canvas");
  await until("100 frames", async () => (await data(canvas, "frames")) >= 100);
  console.log(`  ${await dream.locator("[data-fps]").innerText()}`);
  await dream.getByRole("button", { name: "Stop" }).click();
  assert.ok(light(await pixels(canvas)) > 0, "a dream is not black");
});

await step("it names the class, and completes what is hidden", async () => {
  await page.getByRole("button", { name: "Next example" }).click();
  await page.getByText(/This is a \d/).waitFor();
  const complete = section("Complete");
  await complete.getByRole("button", { name: "Complete", exact: true }).click();
  await page.getByText("Mark a part of the drawing as unknown first").waitFor();
  await complete.getByRole("button", { name: "Hide the lower half" }).click();
  await complete.getByRole("button", { name: "Complete", exact: true }).click();
  const first = complete.locator("canvas").first();
  await until("a completion", async () => (await data(first, "done")) > 0);
  assert.ok(light((await pixels(first)).slice(392)) > 0, "the lower half is drawn");
  await look("rbm");
});

await step("a lattice orders in the cold and disorders in the heat", async () => {
  await home();
  await page.getByRole("link", { name: /Ising lattice/ }).click();
  const lattice = section("Lattice");
  const canvas = lattice.locator("canvas").first();
  await lattice.getByLabel("Length").selectOption("32");
  await lattice.getByRole("button", { name: "All up" }).click();
  await lattice.getByRole("button", { name: "Cold" }).click();
  const frames = async () => data(canvas, "frames");
  const after = async (n) => {
    const now = await frames();
    await until(`${n} frames`, async () => (await frames()) > now + n);
    return Math.abs(await data(canvas, "magnetization"));
  };
  assert.ok((await after(60)) > 0.9, "ordered below the critical temperature");
  await lattice.getByRole("button", { name: "Hot" }).click();
  assert.ok((await after(90)) < 0.5, "disordered above it");
  await lattice.getByLabel("Length").selectOption("128");
  await lattice.getByRole("button", { name: "Critical" }).click();
  await after(120);
  console.log(`  ${await lattice.locator("[data-fps]").innerText()} on 128 by 128`);
  await look("ising");
});

await step("other pages say what is wrong", async () => {
  await page.goto(new URL("/", page.url()).href);
  const response = await context.request.get(new URL("/api/runs/none", page.url()).href);
  assert.equal(response.status(), 404);
  const stranger = await browser.newContext();
  const locked = await stranger.newPage();
  assert.equal((await locked.goto(new URL("/", page.url()).href)).status(), 401);
  await locked.getByText("This page needs its token").waitFor();
});

await browser.close();
server.kill();
console.log("all is well");
