// Shows what is stored below the uploader, where whoever looks at the page may list it.

const uploader = document.querySelector("partway-uploader");

async function mayList() {
  const answer = await fetch("v1/destinations", { headers: { Accept: "application/json" } });
  if (!answer.ok) return false;
  const { destinations } = await answer.json();
  return destinations.some(({ is_default: isDefault, allow }) => isDefault && allow.includes("list"));
}

// Without it, nothing of it is loaded.
if (await mayList().catch(() => false)) {
  await import("./files.js");
  const files = document.createElement("partway-files");
  files.endpoint = ".";
  uploader.after(files);
  let timer;
  uploader.addEventListener("file-completed", () => {
    // Those of a moment are one change.
    timer ??= setTimeout(() => {
      timer = undefined;
      files.refresh();
    }, 300);
  });
}
