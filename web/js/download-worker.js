// The worker of a host that downloads: a thread for one engine, which ends with it.

// Named here as well, so that the browser asks for both at once.
import "./partway_web_download.js";
import { startEngine } from "./download-engine.js";

// The bytes of a stream are given away, not copied.
const host = startEngine((event) => postMessage(event, { transfer: event.type === "chunk" ? [event.bytes.buffer] : [] }));

onmessage = ({ data }) => {
  host.handle(data);
  if (data[0] === "close") close();
};
