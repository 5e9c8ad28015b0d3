// Loads the wasm module: when it is first needed, and once per page.

import { PartwayError } from "./errors.js";

let loading;

// Resolves to the class `Engine`. A failure is not kept, so that a later call
// can succeed when the network is back.
export function loadEngine() {
  loading ??= load().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load() {
  try {
    const glue = await import("./partway_web.js");
    await glue.default();
    return glue.Engine;
  } catch (cause) {
    throw new PartwayError("engine_unavailable", explain(cause), { retryable: true, cause });
  }
}

function explain(cause) {
  const reason = `Partway's engine could not be loaded (${cause?.message ?? cause}).`;
  if (typeof WebAssembly === "undefined") {
    return `${reason} This browser has no WebAssembly, or it is switched off.`;
  }
  if (/content security policy|unsafe-eval/i.test(cause?.message)) {
    return `${reason} The page's Content-Security-Policy has to allow 'wasm-unsafe-eval' in script-src.`;
  }
  if (cause instanceof WebAssembly.CompileError) {
    return `${reason} Either partway_web_bg.wasm is not the file it should be, or the browser is too old for it.`;
  }
  return `${reason} Check that partway_web.js and partway_web_bg.wasm are served from the folder of index.js, and that the page's Content-Security-Policy lets it load them (script-src, connect-src).`;
}
