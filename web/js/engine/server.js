// Calls to Partway's server, and what every call brings along: headers that are given once,
// or asked of the page when they are first needed, and again when the server refuses them, as it
// does with a token that has expired.

export class Server {
  #endpoint;
  #headers;
  // Asks the page, if it has more to say than what it gave at first.
  #ask;
  // A question that is not answered yet, for all calls that wait for it.
  #asked;
  #resolve;
  // Why the page had none, the last time it was asked.
  #denied = "";

  // Whether cookies come along: as the page says, or wherever a server of another origin allows it.
  #credentials;
  #isCertain;

  constructor(endpoint, credentials, headers, ask) {
    this.#endpoint = endpoint;
    this.#credentials = credentials ?? "include";
    this.#isCertain = credentials !== undefined;
    this.#headers = headers;
    this.#ask = ask;
  }

  // Resolves to `{ status, body, retryAfter }`, or to `{ failure, detail }`. The signal cuts it off.
  async call(request, signal) {
    for (let isRenewed = false; ; isRenewed = true) {
      const headers = await this.#get();
      if (!headers) return { failure: "unidentified", detail: this.#denied };
      const answer = await this.#send(request, headers, signal);
      if (answer.status !== 401 || isRenewed || !this.#ask) return answer;
      // Another call may have met the refusal first.
      if (this.#headers === headers) this.#headers = undefined;
    }
  }

  // What the page says to the question: headers, or why it has none.
  answer(headers, denied) {
    this.#headers = headers ?? this.#headers;
    this.#denied = denied;
    this.#asked = undefined;
    this.#resolve?.();
  }

  async #get() {
    if (!this.#headers) {
      if (!this.#asked) {
        this.#asked = new Promise((resolve) => {
          this.#resolve = resolve;
        });
        this.#ask();
      }
      await this.#asked;
    }
    return this.#headers;
  }

  async #send(request, headers, signal) {
    const answer = await this.#fetch(request, headers, signal, this.#credentials);
    const isAnswered = answer.failure === undefined;
    if (isAnswered || this.#isCertain || signal?.aborted) {
      this.#isCertain ||= isAnswered;
      return answer;
    }
    // A server that allows no cookies is not to be told from one that is away, before it has answered once.
    const bare = await this.#fetch(request, headers, signal, "same-origin");
    if (bare.failure !== undefined) return answer;
    this.#credentials = "same-origin";
    this.#isCertain = true;
    return bare;
  }

  async #fetch({ path, body }, headers, signal, credentials) {
    try {
      const all = new Headers({ Accept: "application/json" });
      for (const [name, value] of Object.entries(headers)) all.set(name, value);
      if (body) all.set("Content-Type", "application/json");
      const options = { method: body ? "POST" : "GET", headers: all, body: body && JSON.stringify(body), signal, credentials };
      const response = await fetch(this.#endpoint + path, options);
      const retryAfter = seconds(response.headers.get("Retry-After"));
      return { status: response.status, body: await response.text(), retryAfter };
    } catch {
      // A header that cannot be sent is reported by the browser as a failure of the request.
      return { failure: "none" };
    }
  }
}

// Of a Retry-After that is a number, and no date.
export function seconds(header) {
  return /^\d+$/.test(header) ? Number(header) : undefined;
}
