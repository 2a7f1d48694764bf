// Files beside the page: places on the map, codes, pictures; each is fetched once.

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

export const getJSON = async (name) => (await get(name)).json();
export const getBytes = async (name) => (await get(name)).arrayBuffer();

export class Data {
  constructor(about) {
    this.about = about;
    this.kept = new Map();
  }

  /** What `make` gives, once a key; a failure may be tried again. */
  once(key, make) {
    if (!this.kept.has(key)) {
      const promise = make();
      promise.catch(() => this.kept.delete(key));
      this.kept.set(key, promise);
    }
    return this.kept.get(key);
  }

  floats(name) {
    return this.once(name, async () => new Float32Array(await getBytes(name)));
  }

  /** Class of each image, or null. */
  async labels() {
    if (!this.about.labelled) return null;
    return this.once("labels.bin", async () => new Int16Array(await getBytes("labels.bin")));
  }

  /** Places (N, 2) of all images on a plane: "plane", or two dimensions. */
  async places(axes) {
    if (axes === null) return this.floats("plane.bin");
    const [x, y] = await Promise.all(axes.map((d) => this.floats(`axis-${d}.bin`)));
    const places = new Float32Array(2 * x.length);
    x.forEach((value, i) => ([places[2 * i], places[2 * i + 1]] = [value, y[i]]));
    return places;
  }

  /** Code (D,) of an image. */
  async code(index) {
    const chunk = Math.floor(index / this.about.chunk);
    const codes = await this.floats(`codes-${chunk}.bin`);
    const D = this.about.can.length;
    return codes.slice((index % this.about.chunk) * D, ((index % this.about.chunk) + 1) * D);
  }

  /** Draws an image of the data onto a canvas of its size. */
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
