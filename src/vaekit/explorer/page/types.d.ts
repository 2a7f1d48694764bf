// The records that the server sends and an export writes, and the parts that the modules hand one another.
// For the type checker alone: it is neither served nor exported.

/** A dimension of the latent space. */
export interface Dimension {
  index: number;
  /** KL in nats, or the variance of the latents where they are not random; null without images. */
  relevance: number | null;
  live: boolean;
  /** Middle and half width of the range that its slider covers. */
  centre: number;
  reach: number;
}

/** What a model can do: `Capabilities` in subject.py. */
export interface Can {
  length: number;
  prior: "" | "normal" | "own" | "fitted";
  latent: number;
  grid: [number, number] | null;
  codes: number;
  encodes: boolean;
  scores: boolean;
  classes: number;
  drawn: number;
  uploads: boolean;
}

/** Channels, height, width. */
export type Shape = [number, number, number];

/** about.json: everything small about a run, by `Material.about`. */
export interface About {
  title: string;
  run: string;
  summary: string[];
  engine: "server" | "page";
  shape: Shape;
  can: Can;
  /** Images are shown to the model as binary draws. */
  binary: boolean;
  points: number;
  source: string | null;
  chunk: number;
  columns: number;
  labelled: boolean;
  class_names: string[];
  class_colours: string[];
  class_means: (number[] | null)[];
  random: boolean;
  dimensions: Dimension[];
  start: number[];
  start_class: number;
  ticks: number[];
  plane: { directions: number[][]; labels: string[] } | null;
  light_on_dark: boolean;
  score: string | null;
  numbers: { label: string; unit: string; text: string; sentence: string }[];
  settings: { name: string; value: string; changed: boolean }[];
  curves: Curve[];
  command: string;
  notes: string[];
}

/** One quantity over the steps: split -> [step, value] pairs. */
export interface Curve {
  /** Label with its unit. */
  name: string;
  splits: Record<string, number[][]>;
}

/** The answer to api/encode. */
export interface Encoded {
  mean: number[];
  std: number[];
  score: number | null;
}

/** For each operation of a program: what it needs beside its operands. */
export interface Options extends Record<Unary, unknown>, Record<Binary, { alpha?: number }> {
  linear: { alpha?: number };
  matmul: unknown;
  convolution: Sliding;
  transposed: Sliding;
  clamp: { low: number | null; high: number | null };
  where: unknown;
  cat: { dim: number };
  pad: { sides: number[]; value: number };
  slice: Slice;
  scatter: Slice;
  rows: unknown;
  argmin: { dim: number };
  fill: { value: number };
  sum: { dims: number[] };
  mean: { dims: number[] };
  amax: { dims: number[] };
  softmax: { dim: number };
  log_softmax: { dim: number };
  expand: unknown;
  permute: { order: number[] };
}
export type Unary =
  | "sigmoid" | "relu" | "exp" | "expm1" | "log" | "log1p" | "neg" | "abs" | "tanh" | "sqrt" | "reciprocal"
  | "floor" | "trunc" | "sign" | "logical_not" | "round";
export type Binary =
  | "add" | "sub" | "mul" | "div" | "pow" | "maximum" | "minimum" | "gt" | "ge" | "lt" | "le" | "eq"
  | "floor_div" | "remainder";
export type Sliding = { stride: number[]; padding: number[] };
export type Slice = { dim: number; start: number; step: number };

export type StepOf<K extends keyof Options> = { op: K; in: number[]; out: number; shape: number[] } & Options[K];
export type Step = { [K in keyof Options]: StepOf<K> }[keyof Options];
export type Reshape = { op: "reshape"; in: number[]; out: number; shape: number[] };

/** An array of a program. */
export interface Register {
  shape: number[];
  data: Float32Array;
}

/** What computes `out` from the operands, made once for a step. */
export type Make<K extends keyof Options> = (step: StepOf<K>, operands: Register[], out: Float32Array) => () => void;
export type Makers = { [K in keyof Options]: Make<K> };

/** A network as program.py writes it. */
export interface Written {
  registers: number;
  inputs: { register: number; shape: number[] }[];
  outputs: number[];
  arrays: { register: number; shape: number[]; at: number }[];
  steps: (Step | Reshape)[];
}

/** programs.json: the networks of an exported run. */
export interface Programs {
  pictures: Written;
  codes?: Written;
  nats?: Written;
  /** Values that become the levels 0 and 255. */
  range: number[];
  fit: string;
}

/** Pictures as the server sends them, 0 to 255. */
export type Levels = Uint8Array<ArrayBuffer>;
export type Classes = number | number[] | null;
/** Takes pictures as they come: levels (n, C, H, W), and the number of the first. */
export type Part = (levels: Uint8Array, first: number) => void;

/** What runs the networks: server.js, or local.js in an export. */
export interface Engine {
  decode(latents: Float32Array, classes?: Classes, part?: Part | null, signal?: AbortSignal | null): Promise<Uint8Array>;
  encode(levels: Levels, classes?: Classes): Promise<Encoded>;
  readImage(file: File): Promise<Levels>;
  sample?(seed: number, label: string): Promise<Float32Array>;
}

/** A view that is open. `update` gets what changed: z, or grid. */
export interface Opened {
  update?(what: string): void;
  close?(): void;
}

/** A tab of the page. */
export interface View {
  name: string;
  title: string;
  offered(about: About): boolean;
  open(app: import("./app.js").App, panel: HTMLElement): Opened;
}

export type RGB = number[];

/** A plane through latent space. */
export interface Plane {
  directions: number[][];
  labels: string[];
  /** The latents whose place is (x, y) and which is otherwise like z. */
  move(z: Float32Array, x: number, y: number): Float32Array;
}
