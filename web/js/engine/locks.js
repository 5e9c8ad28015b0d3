// Locks among all tabs of an origin, by the browser's Web Locks (https://w3c.github.io/web-locks/):
// no two of them send the same upload.

export class Lock {
  // Whether it was granted: not if another tab has it. Where the browser has no locks, everybody gets one.
  granted;
  #release;

  constructor(name) {
    // The browser keeps the lock for as long as this is pending.
    const held = new Promise((resolve) => {
      this.#release = resolve;
    });
    this.granted = new Promise((resolve) => {
      const take = (lock) => {
        resolve(lock !== null);
        return lock && held;
      };
      // Refused as a whole in documents without an origin of their own: then as if there were none.
      if (navigator.locks) navigator.locks.request(name, { ifAvailable: true }, take).catch(() => resolve(true));
      else resolve(true);
    });
  }

  // Also before it is granted. The end of the page or worker does the same.
  release() {
    this.#release();
  }
}

// The names of all locks that are held in any tab.
export async function heldLocks() {
  try {
    return (await navigator.locks.query()).held.map(({ name }) => name);
  } catch {
    return [];
  }
}
