// The bare loop in a worker, where a busy page does not hold it up.

import { send } from "./bare.js";

addEventListener("message", async ({ data: { jobs, atOnce, checked } }) => {
  try {
    await send(jobs, atOnce, checked);
    postMessage({});
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
