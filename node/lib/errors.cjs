// The classes of errors, and the class of every code.
//
// Made by `cargo xtask gen` from the schema; do not edit.

'use strict';

/** Something of dmagent failed. */
class DmError extends Error {
  constructor(message, { code = 'internal', number = 1, retryable = false, context = {} } = {}) {
    super(message);
    this.code = code;
    this.number = number;
    this.retryable = retryable;
    this.context = context;
  }
}
Object.defineProperty(DmError.prototype, 'name', { value: 'DmError', configurable: true, writable: true });

const CLASSES = {};
for (const name of [
  'InternalError',
  'InvalidInputError',
  'ConfigError',
  'IdentityError',
  'StoreError',
  'UnreachableError',
  'TimeoutError',
  'NotFoundError',
  'RefusedError',
  'LimitError',
  'ClosedError',
]) {
  // The name of a class is that of the constant it is given to.
  CLASSES[name] = { [name]: class extends DmError {} }[name];
  Object.defineProperty(CLASSES[name].prototype, 'name', { value: name, configurable: true, writable: true });
}

/** What belongs to each code. */
const CODES = {
  internal: { kind: CLASSES.InternalError, number: 1, retryable: false },
  invalid_argument: { kind: CLASSES.InvalidInputError, number: 2, retryable: false },
  timeout: { kind: CLASSES.TimeoutError, number: 3, retryable: true },
  closed: { kind: CLASSES.ClosedError, number: 4, retryable: false },
  unknown_verb: { kind: CLASSES.InvalidInputError, number: 5, retryable: false },
  blocking_in_async: { kind: CLASSES.InvalidInputError, number: 6, retryable: false },
  forked: { kind: CLASSES.ClosedError, number: 7, retryable: false },
  invalid_handle: { kind: CLASSES.InvalidInputError, number: 8, retryable: false },
  config_invalid: { kind: CLASSES.ConfigError, number: 100, retryable: false },
  passport_missing: { kind: CLASSES.IdentityError, number: 200, retryable: false },
  passport_malformed: { kind: CLASSES.IdentityError, number: 201, retryable: false },
  passport_exposed: { kind: CLASSES.IdentityError, number: 202, retryable: false },
  passport_unreadable: { kind: CLASSES.IdentityError, number: 203, retryable: false },
  agent_id_invalid: { kind: CLASSES.InvalidInputError, number: 204, retryable: false },
  passport_mismatch: { kind: CLASSES.IdentityError, number: 205, retryable: false },
  wire_malformed: { kind: CLASSES.InvalidInputError, number: 300, retryable: false },
  wire_field: { kind: CLASSES.InvalidInputError, number: 301, retryable: false },
  wire_too_large: { kind: CLASSES.LimitError, number: 302, retryable: false },
  signature_missing: { kind: CLASSES.RefusedError, number: 303, retryable: false },
  signature_invalid: { kind: CLASSES.RefusedError, number: 304, retryable: false },
  key_mismatch: { kind: CLASSES.RefusedError, number: 305, retryable: false },
  stale: { kind: CLASSES.RefusedError, number: 306, retryable: false },
  replay: { kind: CLASSES.RefusedError, number: 307, retryable: false },
  seal_broken: { kind: CLASSES.RefusedError, number: 308, retryable: false },
  url_invalid: { kind: CLASSES.InvalidInputError, number: 309, retryable: false },
  store_unavailable: { kind: CLASSES.StoreError, number: 400, retryable: true },
  store_corrupt: { kind: CLASSES.StoreError, number: 401, retryable: false },
  store_newer: { kind: CLASSES.StoreError, number: 402, retryable: false },
  store_full: { kind: CLASSES.StoreError, number: 403, retryable: true },
  store_owned: { kind: CLASSES.StoreError, number: 404, retryable: false },
  store_precondition: { kind: CLASSES.StoreError, number: 405, retryable: false },
  unreachable: { kind: CLASSES.UnreachableError, number: 500, retryable: true },
  bad_answer: { kind: CLASSES.UnreachableError, number: 501, retryable: false },
  address_forbidden: { kind: CLASSES.RefusedError, number: 502, retryable: false },
  bind_failed: { kind: CLASSES.UnreachableError, number: 503, retryable: true },
  discovery_failed: { kind: CLASSES.UnreachableError, number: 600, retryable: true },
  trust_out_of_range: { kind: CLASSES.InvalidInputError, number: 700, retryable: false },
  peer_not_connected: { kind: CLASSES.NotFoundError, number: 900, retryable: false },
  request_unknown: { kind: CLASSES.NotFoundError, number: 901, retryable: false },
  connection_limit: { kind: CLASSES.LimitError, number: 902, retryable: true },
  peer_mismatch: { kind: CLASSES.RefusedError, number: 903, retryable: false },
  peer_refused: { kind: CLASSES.RefusedError, number: 904, retryable: false },
  inactive: { kind: CLASSES.RefusedError, number: 905, retryable: true },
  tier_restricted: { kind: CLASSES.RefusedError, number: 906, retryable: false },
  policy_refused: { kind: CLASSES.RefusedError, number: 907, retryable: false },
  peer_blocked: { kind: CLASSES.RefusedError, number: 908, retryable: false },
  group_unknown: { kind: CLASSES.NotFoundError, number: 909, retryable: false },
  queue_full: { kind: CLASSES.LimitError, number: 1000, retryable: true },
  rate_limited: { kind: CLASSES.LimitError, number: 1001, retryable: true },
  message_unknown: { kind: CLASSES.NotFoundError, number: 1002, retryable: false },
  message_expired: { kind: CLASSES.TimeoutError, number: 1003, retryable: false },
  no_receipts: { kind: CLASSES.RefusedError, number: 1004, retryable: false },
  message_cancelled: { kind: CLASSES.RefusedError, number: 1005, retryable: false },
  idempotency_key_reused: { kind: CLASSES.InvalidInputError, number: 1010, retryable: false },
  limits_loosened: { kind: CLASSES.RefusedError, number: 1011, retryable: false },
  origin_invalid: { kind: CLASSES.RefusedError, number: 1012, retryable: false },
  hops_exhausted: { kind: CLASSES.RefusedError, number: 1013, retryable: false },
  already_received: { kind: CLASSES.RefusedError, number: 1014, retryable: false },
  token_invalid: { kind: CLASSES.RefusedError, number: 1400, retryable: false },
};

module.exports = { DmError, CLASSES, CODES };
