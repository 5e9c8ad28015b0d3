// Says on the console what a developer can do about an error, once for each code.
// Loaded when there is one.

const ADDRESS = "Check that endpoint is the address of a Partway server, without a path that it does not serve";
const ADVICE = {
  invalid_option:
    "Set the attribute endpoint to the address of a Partway server, such as endpoint=\"https://uploads.example\".",
  server_misbehaved: `${ADDRESS}, and that no proxy or login page answers in its place.`,
  not_found: `${ADDRESS}.`,
  store_unreachable:
    "Check that the page's Content-Security-Policy names the store in connect-src, and that the bucket's CORS rules allow PUT and POST from this origin; `partway doctor` tells.",
  store_etag_hidden: "Add ETag to ExposeHeaders in the bucket's CORS rules.",
  store_denied: "The server's credentials do not permit this. Its log says what the store answered.",
  operation_not_allowed: "Name the operation in objects.allow of the destination in the server's configuration, and in the caller's ticket if there is one.",
  unknown_destination: "Compare the attribute destination with the destinations in the server's configuration.",
  origin_not_allowed: "Add this page's origin to server.allowed_origins in the server's configuration.",
  host_not_allowed: "Add the host name of endpoint to server.allowed_hosts in the server's configuration.",
};

export async function logAdvice(error, endpoint) {
  const { code, message, field } = error;
  const advice = code === "server_unreachable" ? await examine(endpoint) : ADVICE[code];
  const about = field ? ` [${field}]` : "";
  console.error(`Partway: ${message} (${code}${about}).${advice ? ` ${advice}` : ""}`);
}

// A request without CORS tells a server that is away from one that does not know this page.
async function examine(endpoint) {
  try {
    await fetch(`${endpoint}/healthz`, { mode: "no-cors", cache: "no-store" });
  } catch {
    return `Nothing answers at ${endpoint}. Check that the server is running, that the address is right, and that the page's Content-Security-Policy names it in connect-src.`;
  }
  if (new URL(endpoint).origin === location.origin) return `${endpoint} answers now; it may have been away.`;
  return `${endpoint} answers, but not to this page: add ${location.origin} to server.allowed_origins in the server's configuration.`;
}
