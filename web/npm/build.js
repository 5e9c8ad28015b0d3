// Makes the npm package of what the build of partway-widget has left in target/widget/files, and packs it:
// target/npm/partway and target/npm/partway-<version>.tgz. Name, version and licence are Cargo's.
//
//   node web/npm/build.js        prints where the archive is

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { manifest } from "./manifest.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const own = (name) => join(root, "web/npm", name);
const built = join(root, "target/widget/files");
const out = join(root, "target/npm");
const folder = join(out, "partway");

// What belongs to the demo page, and not to the package.
const PAGE = ["index.html", "page.css", "page.js"];

function run(program, args, cwd = root) {
  return execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

function crate() {
  const { packages } = JSON.parse(run("cargo", ["metadata", "--no-deps", "--format-version", "1", "--locked"]));
  return packages.find(({ name }) => name === "partway-web");
}

if (!existsSync(built)) throw new Error(`${built} is not there: build the widget first (cargo build --package partway-widget)`);
rmSync(out, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
cpSync(built, folder, { recursive: true, filter: (file) => !PAGE.some((name) => file === join(built, name)) });

const declarations = readdirSync(join(root, "web/js"), { recursive: true }).filter((name) => name.endsWith(".d.ts"));
for (const name of declarations) cpSync(join(root, "web/js", name), join(folder, name));
// All tables of texts are of one type.
for (const [tables, types] of [["languages", "../element.js"], ["files/languages", "../../files.js"]]) {
  const texts = `import type { Texts } from "${types}";\ndeclare const texts: Texts;\nexport default texts;\n`;
  for (const name of readdirSync(join(folder, tables))) writeFileSync(join(folder, tables, name.replace(/\.js$/, ".d.ts")), texts);
}
for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) cpSync(join(root, name), join(folder, name));
cpSync(own("README.md"), join(folder, "README.md"));

const { version, license } = crate();
const { name, description, ...rest } = JSON.parse(readFileSync(own("package.json"), "utf8"));
const json = (content) => `${JSON.stringify(content, null, 2)}\n`;
writeFileSync(join(folder, "package.json"), json({ name, version, description, license, ...rest }));
writeFileSync(join(folder, "custom-elements.json"), json(await manifest(folder, join(root, "web/js"))));

const [{ filename }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", out], folder));
console.log(join(out, filename));
