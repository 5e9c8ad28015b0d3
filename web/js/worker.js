// The worker of a host: a thread for one engine, which ends with it.

// Named here as well, so that the browser asks for both at once.
import "./partway_web.js";
import { startEngine } from "./engine.js";

const host = startEngine((event) => postMessage(event));

onmessage = ({ data }) => {
  host.handle(data);
  if (data[0] === "close") close();
};
