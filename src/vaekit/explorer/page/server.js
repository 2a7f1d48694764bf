// @ts-check
// The networks, asked of the server that sent this page.

/** One line from an answer that is no success. @param {Response} answer */
async function problem(answer) {
  try {
    return (await answer.json()).error || `the server answered ${answer.status}`;
  } catch {
    return `the server answered ${answer.status}`;
  }
}

const TRIES = 4; // of a request to a server that is busy

/** @param {string} path @param {BodyInit} [body] */
async function post(path, body) {
  for (let tries = 1; ; tries++) {
    let answer;
    try {
      answer = await fetch(path, { method: "POST", body });
    } catch {
      throw new Error("The server does not answer: has vaekit explore ended?");
    }
    if (answer.ok) return answer;
    const seconds = Number(answer.headers.get("retry-after")); // 0 where there is no sense in another try
    if (!seconds || tries === TRIES) throw new Error(await problem(answer));
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  }
}

/** @type {(classes: import("./types").Classes | string) => string} */
const asked = (classes) => (classes === null ? "" : `?y=${classes}`);

/** @typedef {import("./types").Engine} Engine */

/** @implements {Engine} */
export class Server {
  /** @param {import("./types").About} about */
  constructor(about) {
    this.about = about;
    this.most = Math.max(1, Math.min(256, Math.floor(12e6 / about.shape.reduce((a, b) => a * b))));
  }

  /**
   * Pictures (N, C, H, W) of latents (N, D); classes: null, one class, or one each. In parts: `part(levels, first)`.
   * @type {Engine["decode"]}
   */
  async decode(latents, classes = null, part = null, signal = null) {
    const D = this.about.can.length;
    const count = latents.length / D;
    const parts = [];
    for (let first = 0; first < count; first += this.most) {
      const last = Math.min(count, first + this.most);
      const y = Array.isArray(classes) ? classes.slice(first, last).join(",") : classes;
      const answer = await post(`api/decode${asked(y)}`, latents.slice(first * D, last * D));
      const levels = new Uint8Array(await answer.arrayBuffer());
      if (signal?.aborted) throw new DOMException("superseded", "AbortError");
      if (part) part(levels, first);
      parts.push(levels);
    }
    if (parts.length === 1) return parts[0];
    const all = new Uint8Array(parts.reduce((sum, levels) => sum + levels.length, 0));
    let offset = 0;
    for (const levels of parts) {
      all.set(levels, offset);
      offset += levels.length;
    }
    return all;
  }

  /** {mean, std, score} of one image (C, H, W) of levels. @type {Engine["encode"]} */
  async encode(levels, classes = null) {
    return (await post(`api/encode${asked(classes)}`, levels)).json();
  }

  /** Latents from the fitted prior, of one class ("" for any). @param {number} seed @param {string} label */
  async sample(seed, label) {
    const wanted = label === "" ? "" : `&y=${label}`;
    return new Float32Array(await (await post(`api/sample?seed=${seed}${wanted}`)).arrayBuffer());
  }

  /** An image file as levels (C, H, W), brought to the run's form as its data were. @param {File} file */
  async readImage(file) {
    return new Uint8Array(await (await post("api/image", file)).arrayBuffer());
  }
}
