// The worker of a host: a thread for one engine, which ends with it.

import { Session } from "./engine.js";

const session = new Session((event) => postMessage(event));

onmessage = ({ data }) => {
  session.handle(data);
  if (data[0] === "close") close();
};
