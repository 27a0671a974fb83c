// Bundles scripts and styles into static/ under names that carry their hash, and writes manifest.json
// (logical name -> file name) for the templates. The router's pages get their stylesheet and script the same way, and so do
// those of a sign-up.
import { build } from "esbuild";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** One folder of output: each entry becomes `name.HASH.ext`, listed in manifest.json. */
async function bundle(outdir, entryPoints) {
  await mkdir(outdir, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: here,
    entryPoints,
    outdir,
    bundle: true,
    minify: true,
    sourcemap: false,
    format: "esm",
    target: ["es2022", "safari16"],
    entryNames: "[name].[hash]",
    assetNames: "[name].[hash]",
    loader: { ".svg": "copy" },
    metafile: true,
    logLevel: "warning",
  });
  const manifest = {};
  for (const [file, output] of Object.entries(metafile.outputs)) {
    if (!output.entryPoint) continue;
    const name = basename(file);
    manifest[name.replace(/\.[A-Z0-9]{8}\./, ".")] = name;
  }
  // The manifest changes hands by rename, so that a running server never reads half of it.
  await writeFile(join(outdir, "manifest.json.new"), JSON.stringify(manifest, null, 2) + "\n");
  await rename(join(outdir, "manifest.json.new"), join(outdir, "manifest.json"));
  const current = new Set([...Object.keys(metafile.outputs).map((file) => basename(file)), "manifest.json"]);
  for (const file of await readdir(outdir)) if (!current.has(file)) await rm(join(outdir, file), { recursive: true });
}

await bundle(join(here, "static"), {
  recorder: "recorder/index.ts",
  "recorder-style": "styles/recorder.css",
  app: "app/index.ts",
  "app-style": "styles/app.css",
  player: "player/index.ts",
  "sign-in": "app/sign-in.ts",
  passkeys: "passkeys/index.ts",
  mark: "styles/mark.svg",
});
await bundle(join(here, "../../router/static"), {
  "pages-style": "styles/router.css",
  "sign-in": "front-door/sign-in.ts",
});
await bundle(join(here, "../../control_plane/ui/static"), { "sign-up": "styles/sign-up.css" });
