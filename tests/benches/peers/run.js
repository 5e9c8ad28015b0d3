// What happens in the page of each run, ours and theirs. Not bundled: our page has no bundle.

window.bench = {
  async prepare(name, settings) {
    const files = [...document.querySelector("#bench").files];
    const peer = name === "partway" ? partway : window.peers[name];
    this.start = await peer(files, settings);
  },

  // Its outcome is looked for later, because a script may not take as long.
  go(isBlocked) {
    const began = performance.now();
    this.outcome = this.start().then(
      () => ({ milliseconds: performance.now() - began }),
      (error) => ({ error: String(error?.message ?? error) }),
    );
    let timer;
    // Blocked, not busy: a loop would take a core from the browser, and on a machine with two
    // that costs every peer half of its speed. The proxy answers after 3 s.
    const block = () => {
      const request = new XMLHttpRequest();
      request.open("GET", "/blocks-for-3-s", false);
      request.send();
      timer = setTimeout(block, 1000);
    };
    if (isBlocked) timer = setTimeout(block, 1000);
    this.outcome.then(() => clearTimeout(timer));
  },
};

// Through the interface for developers, which draws nothing, as the others do not.
async function partway(files, { asksFor }) {
  const { Uploader } = await import("/widget/index.js");
  const uploader = new Uploader({ endpoint: location.origin, partSize: asksFor ?? undefined });
  await uploader.load();
  return () => Promise.all(uploader.add(files).map(({ finished }) => finished));
}
