// Turns events into what `for await` takes: always the newest, never a backlog. Who is
// slow sees fewer.

// Yields `read()` now and after each event of `types`, until `isOver()`, with what is read then as the last.
export async function* updates(target, types, read, isOver) {
  let wake;
  let pending = true;
  const heard = () => {
    pending = true;
    wake?.();
  };
  for (const type of types) target.addEventListener(type, heard);
  try {
    for (;;) {
      if (!pending) await new Promise((resolve) => { wake = resolve; });
      pending = false;
      const over = isOver();
      yield read();
      if (over) return;
    }
  } finally {
    for (const type of types) target.removeEventListener(type, heard);
  }
}
