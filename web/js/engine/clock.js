// A clock that never runs back, and that counts the time that the computer slept:
// performance.now() alone stands still meanwhile on some systems
// (https://github.com/w3c/hr-time/issues/115).

// The wall clock is adjusted by less than this, in milliseconds, without anybody having slept.
const JUMP = 2_000;

// How far the wall clock was ahead, and how much of that was taken for sleep.
let before = NaN;
let slept = 0;

// Milliseconds.
export function now() {
  const ticks = performance.now();
  const ahead = Date.now() - ticks;
  if (ahead - before > JUMP) slept += ahead - before;
  before = ahead;
  return ticks + slept;
}
