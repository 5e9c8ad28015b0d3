// The one kind of error that this package throws.

export class PartwayError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{ retryable?: boolean, field?: string, status?: number, cause?: unknown }} [details]
   */
  constructor(code, message, { retryable = false, field, status, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    // What code that handles aborted fetches looks for.
    this.name = code === "cancelled" ? "AbortError" : "PartwayError";
    this.code = code;
    this.retryable = retryable;
    this.field = field;
    this.status = status;
  }

  // The engine throws and reports plain objects: a class of this file would be
  // another one in each bundle that holds a copy.
  static from(thrown) {
    if (thrown instanceof PartwayError) return thrown;
    if (typeof thrown?.code === "string" && typeof thrown.message === "string") {
      return new PartwayError(thrown.code, thrown.message, thrown);
    }
    return new PartwayError("internal", `Partway's engine failed: ${thrown?.message ?? thrown}`, {
      cause: thrown,
    });
  }
}
