// Which sentence of the texts tells a user what an error means.
// advice.js tells a developer.

const SENTENCES = {
  errorServer: "server_unreachable",
  errorProxy: "server_misbehaved",
  errorStore: "store_unreachable",
  errorSetup:
    "store_etag_hidden store_denied store_misbehaved origin_not_allowed host_not_allowed unknown_destination invalid_option invalid_json invalid_field unknown_field not_found method_not_allowed unsupported_media_type",
  errorEngine: "engine_unavailable",
  errorBusy:
    "store_unavailable server_busy too_many_requests too_many_uploads limits_unavailable identity_unavailable hook_unavailable request_timeout",
  errorFull: "store_full",
  errorStalled: "stalled",
  errorDamaged: "part_mismatch checksum_mismatch part_missing part_refused",
  errorChanged: "file_changed file_needed",
  errorUnreadable: "file_unreadable",
  errorMismatch: "file_mismatch",
  errorExpired: "upload_gone token_expired token_invalid token_foreign",
  errorElsewhere: "upload_busy",
  errorIdentity: "credentials_unavailable",
  errorTooLarge: "file_too_large",
};
const WAITING = {
  waitingForServer: "server_unreachable server_misbehaved",
  waitingForConnection: "store_unreachable stalled",
  waitingForStore: "store_unavailable server_busy too_many_requests",
  waitingForSpace: "store_full",
};
// Why a file does not go with an upload that was interrupted, by field or code.
const UNFIT = {
  otherName: "name",
  otherSize: "size",
  otherTime: "last_modified",
  busyElsewhere: "upload_busy",
  endedElsewhere: "upload_gone",
  fileNeeded: "file_needed",
  fileGone: "file_changed",
};

export function sentenceOf({ code, status }) {
  const known = find(SENTENCES, code);
  // A status tells more than that somebody else answered.
  if (status === 401 || status === 403) return known === "errorSetup" ? known : "errorIdentity";
  if (known) return known;
  if (status === 413) return "errorTooLarge";
  return status >= 400 && status < 500 ? "errorRefused" : "errorOther";
}

export function waitingOf(code) {
  return find(WAITING, code) ?? "tryingAgain";
}

export function unfitOf({ code, field }) {
  return find(UNFIT, field) ?? find(UNFIT, code) ?? "fileNeeded";
}

function find(table, code) {
  return Object.keys(table).find((key) => table[key].split(" ").includes(code));
}
