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
    return `${reason} Either a file of Partway's that ends in .wasm is not what it should be, or the browser is too old for it.`;
  }
  return `${reason} Check that all of Partway's files, those that end in .wasm too, are served from one folder, and that the page's Content-Security-Policy lets them be loaded (connect-src, script-src).`;
}

export function describeWorkerError({ message }, isHome) {
  const needed = isHome ? "worker-src 'self'" : `worker-src blob:; script-src ${new URL(import.meta.url).origin}`;
  return (
    `Partway runs in the page's main thread, because its worker did not start (${message}). ` +
    `Serve its file (its name has the word worker) beside the others, and allow it in the page's Content-Security-Policy (${needed}), ` +
    "or set the option worker to false."
  );
}
