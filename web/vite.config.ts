// Two builds of one source: the page into the Python package, and the library into dist/.
//   vite build                  index.html -> ../src/camvitals/app/static
//   vite build --mode library   src/index.ts -> dist
//   vite build --mode harness   test/browser/index.html -> dist/harness, for the tests in a browser

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type Plugin, type UserConfig, defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const NETWORKS = {
  "models/blazeface_short.onnx": "../src/camvitals/face/models/blazeface_short.onnx",
  "models/facemesh468.onnx": "../src/camvitals/face/models/facemesh468.onnx",
  "models/regionpulse.onnx": "../src/camvitals/waves/models/regionpulse.onnx",
};
const RUNTIME = "ort-wasm-simd-threaded.wasm";

/** The package's networks and the runtime, packed, beside the page; the runtime as it is left out. */
function files(): Plugin {
  return {
    name: "camvitals-files",
    generateBundle(_, bundle) {
      for (const [fileName, path] of Object.entries(NETWORKS)) {
        this.emitFile({ type: "asset", fileName, source: readFileSync(here(path)) });
      }
      const runtime = readFileSync(here(`node_modules/onnxruntime-web/dist/${RUNTIME}`));
      this.emitFile({ type: "asset", fileName: `${RUNTIME}.gz`, source: gzipSync(runtime, { level: 9 }) });
      for (const name of Object.keys(bundle)) if (/ort-wasm.*\.wasm$/.test(name)) delete bundle[name];
    },
  };
}

/** Workers bring the runtime along too: there it is left out as well. */
function withoutRuntime(): Plugin {
  return {
    name: "camvitals-without-runtime",
    generateBundle(_, bundle) {
      for (const name of Object.keys(bundle)) if (/ort-wasm.*\.wasm$/.test(name)) delete bundle[name];
    },
  };
}

export default defineConfig(({ mode }): UserConfig => {
  const shared: UserConfig = {
    base: "./",
    publicDir: false,
    plugins: [files()],
    worker: { format: "es", plugins: () => [withoutRuntime()] },
  };
  const build = { target: "es2022", emptyOutDir: true, assetsInlineLimit: 0 };
  if (mode === "library") {
    const lib = { entry: here("src/index.ts"), formats: ["es" as const], fileName: "camvitals" };
    return { ...shared, build: { ...build, outDir: here("dist"), lib } };
  }
  if (mode === "harness") {
    return { ...shared, root: here("test/browser"), build: { ...build, outDir: here("dist/harness") } };
  }
  return { ...shared, build: { ...build, outDir: here("../src/camvitals/app/static") } };
});
