// @ts-check
// Files beside the page: places on the map, embeddings, pictures; each is fetched once.

/** @param {string} name */
async function get(name) {
  let answer;
  try {
    answer = await fetch(`data/${name}`);
  } catch {
    throw new Error(`data/${name} cannot be reached`);
  }
  if (!answer.ok) throw new Error(`data/${name}: ${answer.status}`);
  return answer;
}

/** @type {(name: string) => Promise<any>} */
export const getJSON = async (name) => (await get(name)).json();
/** @type {(name: string) => Promise<ArrayBuffer>} */
export const getBytes = async (name) => (await get(name)).arrayBuffer();

export class Data {
  /** @param {import("./types").About} about about.json */
  constructor(about) {
    this.about = about;
    /** @type {Map<string, Promise<any>>} */
    this.kept = new Map();
  }

  /**
   * What `make` gives, once per key; a failure may be tried again.
   * @template T
   * @param {string} key
   * @param {() => Promise<T>} make
   * @returns {Promise<T>}
   */
  once(key, make) {
    const there = this.kept.get(key);
    if (there) return there;
    const promise = make();
    promise.catch(() => this.kept.delete(key));
    this.kept.set(key, promise);
    return promise;
  }

  /** The numbers of a file. @param {string} name */
  floats(name) {
    return this.once(name, async () => new Float32Array(await getBytes(name)));
  }

  /** Class of each image, or null. */
  async labels() {
    if (!this.about.labelled) return null;
    return this.once("labels.bin", async () => new Int16Array(await getBytes("labels.bin")));
  }

  /** Places (N, 2) of all images on a plane: null is that of about.json, else two dimensions. @param {number[] | null} axes */
  async places(axes) {
    if (axes === null) return this.floats("plane.bin");
    const [x, y] = await Promise.all(axes.map((d) => this.floats(`axis-${d}.bin`)));
    const places = new Float32Array(2 * x.length);
    x.forEach((value, i) => ([places[2 * i], places[2 * i + 1]] = [value, y[i]]));
    return places;
  }

  /** Code (D,) of an image. @param {number} index */
  async latents(index) {
    const chunk = Math.floor(index / this.about.chunk);
    const latents = await this.floats(`codes-${chunk}.bin`);
    const D = this.about.can.length;
    return latents.slice((index % this.about.chunk) * D, ((index % this.about.chunk) + 1) * D);
  }

  /**
   * Draws an image of the data onto a canvas of its size.
   * @param {number} index
   * @param {CanvasRenderingContext2D} context
   */
  async draw(index, context) {
    const chunk = Math.floor(index / this.about.chunk);
    const sheet = await this.once(`pictures-${chunk}.png`, async () =>
      createImageBitmap(await (await get(`pictures-${chunk}.png`)).blob(), { premultiplyAlpha: "none" }));
    const [, height, width] = this.about.shape;
    const place = index % this.about.chunk;
    const [x, y] = [(place % this.about.columns) * width, Math.floor(place / this.about.columns) * height];
    context.clearRect(0, 0, width, height);
    context.drawImage(sheet, x, y, width, height, 0, 0, width, height);
  }
}
