// What a page with Uppy loads, measured as our own files are: bundled, minified, and compressed with brotli at
// its best. Gets Uppy and esbuild from npm, in the versions of the lock file, into the target folder.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, "../../../target/peer-sizes");
mkdirSync(folder, { recursive: true });
for (const name of ["package.json", "package-lock.json"]) cpSync(join(here, name), join(folder, name));
const npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
execFileSync("npm", npm, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });

const PEERS = {
  "Uppy: core, aws-s3": `import Uppy from "@uppy/core"; import S3 from "@uppy/aws-s3"; globalThis.all = [Uppy, S3];`,
  "Uppy: core, aws-s3, Dashboard":
    `import Uppy from "@uppy/core"; import S3 from "@uppy/aws-s3"; import Dashboard from "@uppy/dashboard";
     import "@uppy/core/css/style.min.css"; import "@uppy/dashboard/css/style.min.css"; globalThis.all = [Uppy, S3, Dashboard];`,
  "better-upload": `import { uploadFiles } from "better-upload/client"; globalThis.all = [uploadFiles];`,
};

const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
for (const [index, [name, input]] of Object.entries(PEERS).entries()) {
  const out = join(folder, `bundle-${index}`);
  const options = ["--bundle", "--minify", "--format=esm", "--log-level=error", "--alias:react=./no-react.js"];
  cpSync(join(here, "no-react.js"), join(folder, "no-react.js"));
  execFileSync(join(folder, "node_modules/.bin/esbuild"), [...options, `--outfile=${out}/index.js`], { cwd: folder, input });
  const files = readdirSync(out).map((file) => readFileSync(join(out, file)));
  const sum = (measure) => files.map(measure).reduce((a, b) => a + b, 0);
  const brotli = sum((file) => brotliCompressSync(file, { params }).length);
  console.log(`${name.padEnd(32)} ${String(sum((file) => file.length)).padStart(9)} ${String(brotli).padStart(19)}`);
}
