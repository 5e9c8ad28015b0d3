// Which sentence of the texts tells a user what an error means.

const SENTENCES = {
  errorServer: "server_unreachable",
  errorProxy: "server_misbehaved",
  errorStore: "store_unreachable store_unavailable store_misbehaved stalled",
  errorSetup:
    "store_denied store_etag_hidden origin_not_allowed host_not_allowed unknown_destination invalid_option invalid_json invalid_field unknown_field not_found method_not_allowed unsupported_media_type",
  errorBusy: "server_busy too_many_requests limits_unavailable quota_exceeded identity_unavailable hook_unavailable request_timeout",
  errorIdentity: "credentials_unavailable credentials_missing credentials_invalid credentials_expired ticket_used_up",
  errorForbidden: "operation_not_allowed access_refused not_permitted",
  errorGone: "object_not_found",
  errorChanged: "object_changed",
  errorArchived: "object_archived",
  errorUnwritable: "file_unwritable",
  errorDamaged: "download_corrupt",
  errorEngine: "engine_unavailable",
};

export function sentenceOf({ code, status }) {
  const known = Object.keys(SENTENCES).find((key) => SENTENCES[key].split(" ").includes(code));
  if (known) return known;
  if (status === 401) return "errorIdentity";
  return status === 403 ? "errorForbidden" : "errorOther";
}
