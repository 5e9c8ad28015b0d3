// Calls to Partway's server about what is stored: JSON, with the page's headers. It never knows what is asked.
//
// Headers that the server refuses are asked for anew, once. What it cannot answer at the moment is tried again.

import { PartwayError } from "../errors.js";
import { askForHeaders, readOptions } from "../options.js";

// Seconds before each further try.
const PAUSES = [0.4, 1.6];
// Seconds that a server may ask for, at most; who waits longer should see why.
const LONGEST_PAUSE = 5;
// Seconds until an answer is given up.
const PATIENCE = 30;
const TEMPORARY = [408, 429, 500, 503];

export class Server {
  #given;
  #endpoint;
  // Those of all calls, until the server refuses them.
  #headers;
  #credentials;
  // Whether it is known that cookies may come along, or may not.
  #isCertain;

  // `{ endpoint, headers, token, credentials }`, as an Uploader takes them.
  constructor(given) {
    this.#given = given;
    this.#endpoint = readOptions(given).endpoint;
    this.#credentials = given.credentials ?? "include";
    this.#isCertain = given.credentials !== undefined;
  }

  get endpoint() {
    return this.#endpoint;
  }

  get(path, query, signal) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
    return this.#call(given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path, {}, signal);
  }

  post(path, body, signal) {
    const headers = { "Content-Type": "application/json" };
    return this.#call(path, { method: "POST", headers, body: JSON.stringify(body) }, signal);
  }

  async #call(path, request, signal) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#try(path, request, signal);
      } catch (error) {
        const wait = error.retryAfter ?? PAUSES[attempt];
        if (!error.retryable || attempt >= PAUSES.length || wait > LONGEST_PAUSE || signal?.aborted) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait * 1000));
        if (signal?.aborted) throw cancelled();
      }
    }
  }

  async #try(path, request, signal) {
    const headers = await this.#ask();
    let response = await this.#fetch(path, request, headers, signal);
    const { headers: given, token } = this.#given;
    if (response.status === 401 && [given, token].some((one) => typeof one === "function")) {
      // Another call may have met the refusal first.
      if (this.#headers === headers) this.#headers = undefined;
      response = await this.#fetch(path, request, await this.#ask(), signal);
    }
    return read(response, signal);
  }

  // A promise, so that calls of the same moment ask once.
  #ask() {
    this.#headers ??= askForHeaders(this.#given).catch((cause) => {
      this.#headers = undefined;
      throw new PartwayError("credentials_unavailable", `The page has no credentials (${cause?.message ?? cause})`, { cause });
    });
    return this.#headers;
  }

  async #fetch(path, request, asked, signal) {
    const headers = { Accept: "application/json", ...request.headers, ...(await asked) };
    const send = async (credentials) => {
      const patience = new AbortController();
      const stop = () => patience.abort();
      const timer = setTimeout(stop, PATIENCE * 1000);
      signal?.addEventListener("abort", stop);
      if (signal?.aborted) stop();
      try {
        const response = await fetch(`${this.#endpoint}${path}`, { ...request, headers, credentials, signal: patience.signal });
        const { status, headers: answered } = response;
        return { status, retryAfter: answered.get("Retry-After"), text: await response.text() };
      } catch (cause) {
        if (signal?.aborted) throw cancelled();
        throw new PartwayError("server_unreachable", `The server cannot be reached (${cause.message})`, { retryable: true, cause });
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
      }
    };
    try {
      const answer = await send(this.#credentials);
      this.#isCertain = true;
      return answer;
    } catch (error) {
      if (this.#isCertain || error.code !== "server_unreachable") throw error;
      // A server that allows no cookies is not to be told from one that is away, before it has answered once.
      const answer = await send("same-origin").catch(() => {
        throw error;
      });
      this.#credentials = "same-origin";
      this.#isCertain = true;
      return answer;
    }
  }
}

function read({ status, retryAfter, text }) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    // Reported below.
  }
  if (status >= 200 && status < 300 && body) return body;
  if (typeof body?.code === "string") {
    const error = problemOf(body, status);
    const seconds = Number(retryAfter ?? NaN);
    if (seconds >= 0) error.retryAfter = seconds;
    throw error;
  }
  throw new PartwayError("server_misbehaved", `The answer with status ${status} is not Partway's`, { status, retryable: status >= 500 });
}

// What the server refuses, as a whole or one object of many.
export function problemOf({ code, detail, title, field, status: own }, status = own) {
  return new PartwayError(code, detail ?? title ?? code, { field, status, retryable: TEMPORARY.includes(status) });
}

function cancelled() {
  return new PartwayError("cancelled", "The call was cancelled");
}
