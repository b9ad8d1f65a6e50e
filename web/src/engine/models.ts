// The package's networks in onnxruntime-web (WASM), from the page's own files. The only door to it.

import * as ort from "onnxruntime-web/wasm";
import { InputError } from "./arrays";
import constants from "./constants.json";
import type { Network, Tensor } from "./guide";

/** Where the files of the page lie, beside each other: models/*.onnx and the runtime. */
export const RUNTIME = "ort-wasm-simd-threaded.wasm.gz";
export type NetworkName = keyof typeof constants.cards;

let prepared: Promise<void> | null = null;

/** Load the runtime once.   base: folder of the page's files.   threads: one is fastest for ours. */
function prepare(base: string, threads: number): Promise<void> {
  prepared ??= (async () => {
    const packed = await fetched(new URL(RUNTIME, base));
    ort.env.wasm.wasmBinary = await unpacked(packed);
    ort.env.wasm.numThreads = threads;
    ort.env.logLevel = "error";
  })();
  return prepared;
}

/** A network by the name of its card, checked against the card's digest. */
export async function openNetwork(name: NetworkName, base: string, threads = 1): Promise<Network> {
  const [bytes] = await Promise.all([fetched(new URL(`models/${name}.onnx`, base)), prepare(base, threads)]);
  await verify(name, bytes);
  const session = await ort.InferenceSession.create(new Uint8Array(bytes), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
    logSeverityLevel: 3, // a file names the length it was made with, and takes any
  });
  return {
    async run(inputs) {
      const given: Record<string, ort.Tensor> = {};
      for (const [key, { data, dims }] of Object.entries(inputs)) given[key] = new ort.Tensor("float32", data, dims);
      const told = await session.run(given);
      const out: Record<string, Tensor> = {};
      for (const [key, { data, dims }] of Object.entries(told)) out[key] = { data: data as Float32Array, dims };
      return out;
    },
  };
}

async function fetched(url: URL): Promise<ArrayBuffer> {
  const answer = await fetch(url);
  if (!answer.ok) throw new InputError(`${url.pathname} did not load (${answer.status}); load the page again`);
  return answer.arrayBuffer();
}

/** Gunzipped, unless the server has already done that. */
async function unpacked(bytes: ArrayBuffer): Promise<ArrayBuffer> {
  const [first, second] = new Uint8Array(bytes, 0, 2);
  if (first !== 0x1f || second !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function verify(name: NetworkName, bytes: ArrayBuffer): Promise<void> {
  if (!globalThis.crypto?.subtle) return; // only where the page is served safely
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (b) => b.toString(16).padStart(2, "0")).join("");
  const wanted = constants.cards[name].sha256;
  if (found !== wanted) {
    throw new InputError(
      `${name}.onnx has sha256 ${found.slice(0, 12)}… but its card says ${wanted.slice(0, 12)}…; load the page again`,
    );
  }
}
