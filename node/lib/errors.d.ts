// The classes of errors, one for what a caller can do about it.
//
// Made by `cargo xtask gen` from the schema; do not edit.

/** The name of every code. */
export type Code =
  | 'internal'
  | 'invalid_argument'
  | 'timeout'
  | 'closed'
  | 'unknown_verb'
  | 'blocking_in_async'
  | 'forked'
  | 'invalid_handle'
  | 'config_invalid'
  | 'passport_missing'
  | 'passport_malformed'
  | 'passport_exposed'
  | 'passport_unreadable'
  | 'agent_id_invalid'
  | 'passport_mismatch'
  | 'wire_malformed'
  | 'wire_field'
  | 'wire_too_large'
  | 'signature_missing'
  | 'signature_invalid'
  | 'key_mismatch'
  | 'stale'
  | 'replay'
  | 'seal_broken'
  | 'url_invalid'
  | 'store_unavailable'
  | 'store_corrupt'
  | 'store_newer'
  | 'store_full'
  | 'store_owned'
  | 'store_precondition'
  | 'unreachable'
  | 'bad_answer'
  | 'address_forbidden'
  | 'bind_failed'
  | 'discovery_failed'
  | 'trust_out_of_range'
  | 'peer_not_connected'
  | 'request_unknown'
  | 'connection_limit'
  | 'peer_mismatch'
  | 'peer_refused'
  | 'inactive'
  | 'tier_restricted'
  | 'policy_refused'
  | 'peer_blocked'
  | 'group_unknown'
  | 'queue_full'
  | 'rate_limited'
  | 'message_unknown'
  | 'message_expired'
  | 'no_receipts'
  | 'message_cancelled'
  | 'idempotency_key_reused'
  | 'limits_loosened'
  | 'origin_invalid'
  | 'hops_exhausted'
  | 'already_received'
  | 'token_invalid';

/** Something of dmagent failed. */
export declare class DmError extends Error {
  constructor(
    message: string,
    facts?: { code?: Code; number?: number; retryable?: boolean; context?: Record<string, string> },
  );
  /** A stable name out of the table of codes. */
  readonly code: Code;
  /** The number of the code, the same in every language. */
  readonly number: number;
  /** Whether trying the same call again later can help. */
  readonly retryable: boolean;
  /** Facts, for instance `path`. */
  readonly context: Readonly<Record<string, string>>;
}

/**
 * Thrown for these codes:
 * - `internal`: A broken invariant inside the library; please report it.
 */
export declare class InternalError extends DmError {}

/**
 * Thrown for these codes:
 * - `invalid_argument`: An argument is missing, has the wrong type or is out of range.
 * - `unknown_verb`: No verb has that name.
 * - `blocking_in_async`: A call on the blocking twin was made from inside an async runtime.
 * - `invalid_handle`: A handle was freed before, or is another kind of handle.
 * - `agent_id_invalid`: Text is not an agent id: 64 lower-case hexadecimal digits of an Ed25519 public key.
 * - `wire_malformed`: Bytes are not the JSON object that the endpoint takes.
 * - `wire_field`: A field is missing or has the wrong type.
 * - `url_invalid`: A URL is not acceptable.
 * - `trust_out_of_range`: A trust score is outside -1 to 1 or not finite.
 * - `idempotency_key_reused`: An idempotency key stands for another message.
 */
export declare class InvalidInputError extends DmError {}

/**
 * Thrown for these codes:
 * - `config_invalid`: A setting or environment variable has a value that is not allowed.
 */
export declare class ConfigError extends DmError {}

/**
 * Thrown for these codes:
 * - `passport_missing`: No passport exists where one was required.
 * - `passport_malformed`: The passport file does not hold 64 hexadecimal digits.
 * - `passport_exposed`: Other users can read the passport file.
 * - `passport_unreadable`: The passport file cannot be read or written.
 * - `passport_mismatch`: The database in the data folder belongs to another passport.
 */
export declare class IdentityError extends DmError {}

/**
 * Thrown for these codes:
 * - `store_unavailable`: The database cannot be opened, read or written.
 * - `store_corrupt`: The database is damaged; it was left as it is.
 * - `store_newer`: The database was written by a newer version; it was left as it is.
 * - `store_full`: The disk is full.
 * - `store_owned`: Another process runs the node of this data folder.
 * - `store_precondition`: A row was not in the state the commit required.
 */
export declare class StoreError extends DmError {}

/**
 * Thrown for these codes:
 * - `unreachable`: The address could not be reached.
 * - `bad_answer`: The peer answered, but not as the protocol requires.
 * - `bind_failed`: The port cannot be bound.
 * - `discovery_failed`: Discovery cannot use the network as asked.
 */
export declare class UnreachableError extends DmError {}

/**
 * Thrown for these codes:
 * - `timeout`: Time ran out before the call finished.
 * - `message_expired`: The message expired before it could be delivered.
 */
export declare class TimeoutError extends DmError {}

/**
 * Thrown for these codes:
 * - `peer_not_connected`: The agent is not connected.
 * - `request_unknown`: No such pending request.
 * - `group_unknown`: There is no group of that name.
 * - `message_unknown`: The message does not exist or was acknowledged before.
 */
export declare class NotFoundError extends DmError {}

/**
 * Thrown for these codes:
 * - `signature_missing`: A signature is missing.
 * - `signature_invalid`: A signature does not hold.
 * - `key_mismatch`: A presented key is not the one pinned, or is not the agent's id.
 * - `stale`: A timestamp is outside the freshness window; check the clock.
 * - `replay`: The same signed thing arrived before.
 * - `seal_broken`: A sealed body cannot be opened with our key.
 * - `address_forbidden`: The outbound policy forbids the address.
 * - `peer_mismatch`: The peer answered with another identity than expected.
 * - `peer_refused`: The other side refused.
 * - `inactive`: The node is inactive and accepts nothing.
 * - `tier_restricted`: The peer's address class is outside the network tier.
 * - `policy_refused`: The host's policy said no, failed or did not answer in time.
 * - `peer_blocked`: The agent is on the block list, here or at the other side.
 * - `no_receipts`: The peer gives no receipts: beyond accepted nothing is known but an answer.
 * - `message_cancelled`: The sender took the message back.
 * - `limits_loosened`: A limit of the message is looser than its author or a forwarder signed.
 * - `origin_invalid`: What the message says about its author or its way does not hold.
 * - `hops_exhausted`: The message may not be forwarded any more.
 * - `already_received`: The agent has the message already, as far as is known here.
 * - `token_invalid`: A local request lacks the token of the data folder.
 */
export declare class RefusedError extends DmError {}

/**
 * Thrown for these codes:
 * - `wire_too_large`: A frame or field is larger than allowed.
 * - `connection_limit`: The connection limit is reached.
 * - `queue_full`: The receiver's queue is full.
 * - `rate_limited`: Too many requests from this source or peer.
 */
export declare class LimitError extends DmError {}

/**
 * Thrown for these codes:
 * - `closed`: The node is closed; open a new one.
 * - `forked`: The process forked after the node was opened; the child cannot use it.
 */
export declare class ClosedError extends DmError {}
