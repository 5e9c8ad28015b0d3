// What developers are told when the engine does not run where it should. A page that is
// set up well never loads this.

// The module, the scripts around it, or both could not be loaded.
export function describeEngineError({ name, message }) {
  const reason = `Partway's engine could not be loaded (${message}).`;
  if (typeof WebAssembly === "undefined") {
    return `${reason} This browser has no WebAssembly, or it is switched off.`;
  }
  if (/content security policy|unsafe-eval/i.test(message)) {
    return `${reason} The Content-Security-Policy, the page's or that of the worker, has to allow 'wasm-unsafe-eval' in script-src.`;
  }
  if (name === "CompileError") {
    return `${reason} Either partway_web_bg-….wasm is not the file it should be, or the browser is too old for it.`;
  }
  return `${reason} Check that partway_web_bg-….wasm and all scripts are served from the folder of index.js, and that the page's Content-Security-Policy lets them be loaded (connect-src, script-src).`;
}

export function describeWorkerError({ message }, isHome) {
  const needed = isHome ? "worker-src 'self'" : `worker-src blob:; script-src ${new URL(import.meta.url).origin}`;
  return (
    `Partway uploads in the page's main thread, because its worker did not start (${message}). ` +
    `Serve worker-….js beside index.js, and allow it in the page's Content-Security-Policy (${needed}), ` +
    "or set the option worker to false."
  );
}
