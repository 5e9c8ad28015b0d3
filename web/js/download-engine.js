// The engine for downloads, as a host starts it.

import { EngineHost, loader } from "./engine-host.js";
import { Engine, initSync } from "./partway_web_download.js";

// Bundlers look for exactly this expression.
const load = loader(new URL("./partway_web_download_bg.wasm", import.meta.url), initSync);

/** @param {(event: any) => void} tell */
export function startEngine(tell) {
  return new EngineHost(tell, load, (options, hear) => new Engine(options, hear));
}
