// Two builds of one source: the page into the Python package, and the library into dist/.
//   vite build                  index.html -> ../src/camvitals/app/static
//   vite build --mode library   src/index.ts -> dist
//   vite build --mode harness   test/browser/index.html -> dist/harness, for the tests in a browser

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
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

/** The package's networks and the runtime, packed, beside the page. */
function files(): Plugin {
  return {
    name: "camvitals-files",
    generateBundle() {
      for (const [fileName, path] of Object.entries(NETWORKS)) {
        this.emitFile({ type: "asset", fileName, source: readFileSync(here(path)) });
      }
      const runtime = readFileSync(here(`node_modules/onnxruntime-web/dist/${RUNTIME}`));
      this.emitFile({ type: "asset", fileName: `${RUNTIME}.gz`, source: gzipSync(runtime, { level: 9 }) });
    },
  };
}

/** A digest of everything that the page is built of, beside it: a test tells when it is of other sources. */
function sources(): Plugin {
  return {
    name: "camvitals-sources",
    generateBundle() {
      const under = readdirSync(here("src"), { recursive: true, withFileTypes: true });
      const paths = under.filter((f) => f.isFile()).map((f) => `${f.parentPath}/${f.name}`.slice(here(".").length));
      const digest = createHash("sha256");
      for (const path of [...paths, "index.html", "package-lock.json", "vite.config.ts"].sort()) {
        digest.update(path).update(readFileSync(here(path)));
      }
      this.emitFile({ type: "asset", fileName: "sources.sha256", source: `${digest.digest("hex")}\n` });
    },
  };
}

/** The library asks for the runtime as it is, beside it; it is given the packed one by models.ts. */
function withoutRuntime(): Plugin {
  const asked = `new URL("${RUNTIME}",import.meta.url).href`;
  return {
    name: "camvitals-without-runtime",
    enforce: "pre",
    transform(code, id) {
      return id.includes("onnxruntime-web") ? { code: code.replaceAll(asked, '""'), map: null } : null;
    },
  };
}

export default defineConfig(({ mode }): UserConfig => {
  const shared: UserConfig = {
    base: "./",
    publicDir: false,
    plugins: [withoutRuntime(), files()],
    worker: { format: "es", plugins: () => [withoutRuntime()] },
  };
  const build = { target: "es2022", emptyOutDir: true, assetsInlineLimit: 0 };
  if (mode === "library") {
    // not as vite's own library, which would put every file into the script
    const rolldownOptions: NonNullable<UserConfig["build"]>["rolldownOptions"] = {
      input: here("src/index.ts"),
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "camvitals.js" },
    };
    return { ...shared, build: { ...build, outDir: here("dist"), rolldownOptions } };
  }
  if (mode === "harness") {
    return { ...shared, root: here("test/browser"), build: { ...build, outDir: here("dist/harness") } };
  }
  const plugins = [...shared.plugins!, sources()];
  return { ...shared, plugins, build: { ...build, outDir: here("../src/camvitals/app/static") } };
});
