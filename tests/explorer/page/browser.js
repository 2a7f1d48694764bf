// As much of a browser as the modules without a picture need: an address, a history, one element.

/** Puts a window into the globals; what was written into the history is in `entries`. */
export function browser(hash = "") {
  const listeners = [];
  const entries = [];
  const kept = (kind) => (_state, _title, url) => {
    entries.push([kind, url]);
    globalThis.location.hash = url;
  };
  globalThis.window = { addEventListener: (name, listener) => name === "hashchange" && listeners.push(listener) };
  globalThis.location = { hash };
  globalThis.history = { replaceState: kept("replace"), pushState: kept("push") };
  const goTo = (text) => {
    globalThis.location.hash = text;
    listeners.forEach((listener) => listener());
  };
  return { entries, goTo };
}

/** Puts a status line into the globals, for `say`. */
export function statusLine() {
  const classes = new Set();
  const classList = {
    toggle: (name, on) => (on ? classes.add(name) : classes.delete(name)), contains: (name) => classes.has(name),
  };
  const status = { textContent: "", classList };
  globalThis.document = { getElementById: (id) => (id === "status" ? status : null) };
  return { line: () => status.textContent, wrong: () => classes.has("error") };
}
