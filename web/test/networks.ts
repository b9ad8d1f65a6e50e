// The package's networks in Node, by the same library as in the browser.

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-web/wasm";
import type { Network, Tensor } from "../src/engine/guide";

const FILES: Record<string, string> = {
  regionpulse: "waves/models/regionpulse.onnx",
  blazeface_short: "face/models/blazeface_short.onnx",
  facemesh468: "face/models/facemesh468.onnx",
};

export async function network(name: string): Promise<Network> {
  ort.env.wasm.numThreads = 1;
  const bytes = readFileSync(new URL(`../../src/camvitals/${FILES[name]}`, import.meta.url));
  const session = await ort.InferenceSession.create(new Uint8Array(bytes), {
    executionProviders: ["wasm"],
    logSeverityLevel: 3, // the file names the length it was made with, and takes any
  });
  return {
    async run(inputs: Record<string, Tensor>) {
      const given = Object.fromEntries(
        Object.entries(inputs).map(([key, { data, dims }]) => [key, new ort.Tensor("float32", data, dims)]),
      );
      const told = await session.run(given);
      return Object.fromEntries(
        Object.entries(told).map(([key, t]) => [key, { data: t.data as Float32Array, dims: t.dims }]),
      );
    },
  };
}
