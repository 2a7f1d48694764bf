// @ts-check
// Starts the page: loads what it needs, builds the panel with the current picture and the views.
import { App } from "./app.js";
import { Data, getJSON } from "./data.js";
import { byId, calm, choice, h, say, trying } from "./dom.js";
import { saveButton } from "./pictures.js";
import { Server } from "./server.js";
import { view as aboutTheRun } from "./about.js";
import { view as attributes } from "./attributes.js";
import { view as between } from "./between.js";
import { view as classes } from "./classes.js";
import { view as codes } from "./codes.js";
import { view as manifold } from "./manifold.js";
import { view as map } from "./map.js";
import { view as sliders } from "./sliders.js";
import { view as yours } from "./yours.js";

/** @typedef {import("./types").About} About */

/** @type {import("./types").View[]} */
const VIEWS = [map, sliders, yours, between, attributes, classes, codes, manifold, aboutTheRun];

/** What runs the networks: the server, or in an export the page itself. @param {About} about */
async function engineFor(about) {
  if (about.engine === "server") return new Server(about);
  const { Local } = await import("./local.js");
  return Local.load(about);
}

/** Goes to latents from the prior: drawn here, or by the server where the prior is a model of its own. @param {App} app */
async function draw(app) {
  const { about, state, engine, random } = app;
  if (about.can.prior === "normal" || !engine.sample) {
    app.coming = "A draw from the prior, N(0, I).";
    return state.go(random.normals(about.can.length));
  }
  say("Drawing…");
  const went = await state.follow(engine.sample(random.below(2 ** 32), state.option("draw") ?? "").then((z) => ({ z })));
  const prior = about.can.prior === "own" ? "the model's own prior" : "the fitted prior";
  say(went ? `A draw from ${prior}.` : `A draw from ${prior} came too late.`);
}

/** Where the page begins, in words. @param {About} about */
function beginning(about) {
  const images = `${about.points.toLocaleString("en")} ${about.source ? "images" : "preview images"}`;
  return about.points ? `Image 0 of ${images}, as the model rebuilds it.` : "The middle of the prior.";
}

/** @param {App} app */
function buttonsOf(app) {
  const { about, state } = app;
  const buttons = [h("button", { onclick: () => state.undo() ? say("Taken back.") : say("Nothing to undo.") }, "Undo")];
  const button = (/** @type {string} */ text, /** @type {() => unknown} */ task) =>
    buttons.push(h("button", { onclick: () => trying(task) }, text));
  button("Reset", () => {
    app.coming = beginning(about);
    return state.go(state.start, { y: about.start_class });
  });
  if (about.can.prior) button("Draw from the prior", () => draw(app));
  if (about.points) button("Random image", () => app.goImage(app.random.below(about.points)));
  return [...buttons, saveButton(() => app.picture.canvas, `${about.run}-picture`)];
}

/**
 * A choice of what may change elsewhere.
 * @param {App} app
 * @param {string} label
 * @param {[string | number, string][]} options
 * @param {() => string | number} value
 * @param {(value: string) => void} change
 */
function following({ state }, label, options, value, change) {
  const field = choice(label, options, value(), change);
  const select = /** @type {HTMLSelectElement} */ (field.querySelector("select"));
  state.onChange(() => (select.value = String(value())));
  return field;
}

/** @param {App} app */
function currentPanel(app) {
  const { about, state } = app;
  byId("current").replaceChildren(
    app.picture.canvas,
    ...(about.can.drawn ? [following(app, "Class to draw", [["", "any"], ...app.classChoices(about.can.drawn)],
      () => state.option("draw") ?? "", (value) => state.set("draw", value || null))] : []),
    ...(about.can.classes ? [following(app, "Class", app.classChoices(about.can.classes),
      () => state.y, (value) => state.go(state.z, { y: Number(value) }))] : []),
    h("div", { class: "buttons" }, buttonsOf(app)));
}

/** Left and right go from tab to tab. @param {HTMLElement} list @param {HTMLButtonElement[]} buttons */
function byKeyboard(list, buttons) {
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = buttons.findIndex((button) => button === document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next.focus();
    next.click();
  });
}

/** Scrolls a list sideways until a tab is within it; scrollIntoView would make Tab go on from there, past the head.
 * @param {HTMLElement} list @param {HTMLButtonElement} tab */
function inSight(list, tab) {
  const left = tab.offsetLeft - list.offsetLeft;
  list.scrollLeft = Math.min(left, Math.max(list.scrollLeft, left + tab.offsetWidth - list.clientWidth));
}

/** @param {App} app */
function tabs(app) {
  const [list, panel] = [byId("views"), byId("view")];
  const offered = VIEWS.filter((view) => view.offered(app.about));
  const buttons = offered.map((view) => h("button", {
    role: "tab", id: `tab-${view.name}`, "aria-controls": "view", onclick: () => app.state.show(view.name),
  }, view.title));
  list.replaceChildren(...buttons);
  byKeyboard(list, buttons);
  /** @type {import("./types").Opened | null} */
  let open = null;
  /** @type {import("./types").View | null} */
  let opened = null;
  const show = () => {
    const view = offered.find(({ name }) => name === app.state.view) ?? offered[0];
    if (opened === view) return;
    open?.close?.();
    opened = view;
    buttons.forEach((button, i) => {
      button.setAttribute("aria-selected", String(offered[i] === view));
      button.tabIndex = offered[i] === view ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `tab-${view.name}`);
    inSight(list, buttons[offered.indexOf(view)]);
    panel.replaceChildren();
    panel.className = `view-${view.name}`;
    open = view.open(app, panel);
  };
  app.state.onChange((what) => {
    if (what === "address") opened = null;
    if (what === "view" || what === "address") show();
    else open?.update?.(what);
  });
  show();
}

async function start() {
  say("Loading the run…");
  /** @type {About} */
  const about = await getJSON("about.json");
  document.title = `${about.title} · vaekit explorer`;
  byId("title").textContent = about.title;
  if (about.engine !== "server") say("Loading the networks…");
  const app = new App(about, new Data(about), await engineFor(about));
  currentPanel(app);
  let place = app.state.z;
  app.state.onChange((what) => {
    calm();
    if (app.state.z !== place) {
      place = app.state.z;
      say(app.coming || "A place of your own.");
      app.coming = "";
    }
    if (what !== "view") app.preview(null);
  });
  say(app.state.z.every((value, i) => value === app.state.start[i]) ? beginning(about) : "The place of the address.");
  tabs(app);
  window.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z") {
      event.preventDefault();
      app.state.undo();
    }
  });
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address is that of a place
    byId("views").focus();
  });
  await app.preview(null);
  document.documentElement.dataset.ready = "yes";
}

trying(start);
