// Signed URLs for what is stored.

import { problemOf } from "./server.js";

// Objects of one call, as many as the server takes.
const AT_ONCE = 1000;

// Resolves to a list with one result for each key: `{ url }` or `{ error }`. `how` says what the store's answer should be like.
export async function sign(server, destination, keys, how, signal) {
  const results = [];
  for (let at = 0; at < keys.length; at += AT_ONCE) {
    const objects = keys.slice(at, at + AT_ONCE).map((key) => ({ destination: destination || undefined, key, ...how(key) }));
    const answer = await server.post("/v1/objects/sign", { objects }, signal);
    results.push(...answer.objects.map(({ signed, refused }) => (signed ? { url: signed.url } : { error: problemOf(refused) })));
  }
  return results;
}

// What somebody calls an object: what follows the last slash of its key.
export function nameOf(key) {
  return key.slice(key.lastIndexOf("/", key.length - 2) + 1);
}
