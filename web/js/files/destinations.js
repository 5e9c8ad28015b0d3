// What the caller may do at a destination.

import { PartwayError } from "../errors.js";

// Resolves to the names of the operations. The empty name is the server's default.
export async function allowedAt(server, name, signal) {
  const { destinations } = await server.get("/v1/destinations", {}, signal);
  const found = destinations?.find((one) => (name ? one.name === name : one.is_default));
  if (!found) {
    throw new PartwayError("unknown_destination", name ? `There is no destination ${name}` : "There is no destination", { status: 404 });
  }
  return found.allow;
}
