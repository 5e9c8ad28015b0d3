// Prints a ticket for a subject, good for an hour: three images of at most 20 MB each into the destination "photos".
//
//     PARTWAY_TICKET_SECRET=… node ticket.mjs ada
//
// Needs Node.js alone. With the package `jose` it is
//     new SignJWT({ partway }).setProtectedHeader({ alg: "HS256" }).setSubject(subject)…

import { createHmac, randomUUID } from "node:crypto";

export function ticket(secret, subject, partway, lifetime = 3600) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + lifetime;
  const claims = { sub: subject, aud: "partway", exp, jti: randomUUID(), partway };
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

const [, , subject] = process.argv;
const secret = process.env.PARTWAY_TICKET_SECRET;
if (!subject || !secret) {
  console.error("usage: PARTWAY_TICKET_SECRET=… node ticket.mjs SUBJECT");
  process.exit(1);
}
console.log(
  ticket(secret, subject, {
    destinations: ["photos"],
    key_prefix: "albums/7/",
    max_file_size: 20_000_000,
    types: ["image/*"],
    max_files: 3,
  }),
);
