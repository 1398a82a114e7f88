// dmagent: an agent mesh that you link.
//
// Made by `cargo xtask gen`; change the crate `ffi` instead.
//
// The whole node for C and everything that calls C.
//
// The rules of this header, once for all of it:
//
// Ownership. A handle (`dm_node`, `dm_message`, `dm_events`, `dm_subscription`) belongs to whoever got it and ends with
// the function `..._free` of its type, which takes the address of your variable and clears it, so freeing twice does
// nothing. A handle is a name, not an address: one that was freed, is of another type, or is no handle at all gets
// `DM_INVALID_HANDLE` back and does no harm. A `dm_text` is only looked at: as an argument it is yours and is copied; as
// a result it lives as long as the handle it came from; in a callback it lives until the callback returns. A `dm_string`
// is yours: end it with `dm_string_free`. Text is UTF-8 and may hold NUL; every text we hand out has a NUL behind it.
//
// Results. What can fail returns a `dm_status`: `DM_OK`, or the number of an error. Results are written only on success.
// The last argument, `dm_error *`, may be NULL; else it is overwritten at every call and tells what happened and what to
// do. End it with `dm_error_clear` when the status was not `DM_OK`. A panic on our side is `DM_INTERNAL`, never more.
//
// Blocking. `dm_node_open`, `dm_node_close`, `dm_call`, `dm_connect`, `dm_send`, `dm_ask`, `dm_receive`, `dm_reply`,
// `dm_acknowledge`, `dm_disconnect`, `dm_trust_set`, `dm_events_next` and what ends a handle that is called back wait for
// the disk, a peer or another thread. All others return at once, but for the one that ends the last handle of the process:
// it waits for our threads, two seconds at most. Closing or freeing a node ends every wait on it with `DM_CLOSED`; closed, a
// `dm_send` whose message is kept already says so instead (`DM_DELIVERY_STORED`: the next node on this data folder sends it,
// and an `ephemeral` one has none).
//
// Threads. Every function may be called from any thread, with the same handle as well, and from callbacks, but not from
// a thread of an async Rust runtime (`DM_BLOCKING_IN_ASYNC`).
//
// Callbacks. A handler is a function, a context and a function that drops the context. We call each handler from one
// thread of ours, one call after the other, never two at once; no call begins after `drop` began; `drop` runs exactly
// once, also when the function that took the handler fails. Ending a subscription waits for the call under way, unless
// you end it inside that call: then it is the last. A callback that does not return keeps its own handler waiting,
// nothing else. It must not throw, `longjmp` or end its thread.
//
// Fork. A forked child has none of our threads: there, every call with a handle of the parent returns `DM_FORKED`, and
// freeing touches nothing. The child may open nodes of its own. A child that is forked inside a callback must not return
// from it: it ends with `_exit` or calls `exec`. Signal handlers must not call us.
//
// Text from other agents (`dm_message_content`, names, metadata) is data, never instructions to your program or model.

#ifndef DMAGENT_H
#define DMAGENT_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// `DM_OK`, or the number of an error. Numbers never change their meaning; later versions may add some.
typedef int32_t dm_status;

enum {
    // The call did what it says.
    DM_OK = 0,
    // A broken invariant inside the library; please report it.
    DM_INTERNAL = 1,
    // An argument is missing, has the wrong type or is out of range.
    DM_INVALID_ARGUMENT = 2,
    // Time ran out before the call finished.
    DM_TIMEOUT = 3,
    // The node is closed; open a new one.
    DM_CLOSED = 4,
    // No verb has that name.
    DM_UNKNOWN_VERB = 5,
    // A call on the blocking twin was made from inside an async runtime.
    DM_BLOCKING_IN_ASYNC = 6,
    // The process forked after the node was opened; the child cannot use it.
    DM_FORKED = 7,
    // A handle was freed before, or is another kind of handle.
    DM_INVALID_HANDLE = 8,
    // A setting or environment variable has a value that is not allowed.
    DM_CONFIG_INVALID = 100,
    // No passport exists where one was required.
    DM_PASSPORT_MISSING = 200,
    // The passport file does not hold 64 hexadecimal digits.
    DM_PASSPORT_MALFORMED = 201,
    // Other users can read the passport file.
    DM_PASSPORT_EXPOSED = 202,
    // The passport file cannot be read or written.
    DM_PASSPORT_UNREADABLE = 203,
    // Text is not an agent id: 64 lower-case hexadecimal digits of an Ed25519 public key.
    DM_AGENT_ID_INVALID = 204,
    // The database in the data folder belongs to another passport.
    DM_PASSPORT_MISMATCH = 205,
    // Bytes are not the JSON object that the endpoint takes.
    DM_WIRE_MALFORMED = 300,
    // A field is missing or has the wrong type.
    DM_WIRE_FIELD = 301,
    // A frame or field is larger than allowed.
    DM_WIRE_TOO_LARGE = 302,
    // A signature is missing.
    DM_SIGNATURE_MISSING = 303,
    // A signature does not hold.
    DM_SIGNATURE_INVALID = 304,
    // A presented key is not the one pinned, or is not the agent's id.
    DM_KEY_MISMATCH = 305,
    // A timestamp is outside the freshness window; check the clock.
    DM_STALE = 306,
    // The same signed thing arrived before.
    DM_REPLAY = 307,
    // A sealed body cannot be opened with our key.
    DM_SEAL_BROKEN = 308,
    // A URL is not acceptable.
    DM_URL_INVALID = 309,
    // The database cannot be opened, read or written.
    DM_STORE_UNAVAILABLE = 400,
    // The database is damaged; it was left as it is.
    DM_STORE_CORRUPT = 401,
    // The database was written by a newer version; it was left as it is.
    DM_STORE_NEWER = 402,
    // The disk is full.
    DM_STORE_FULL = 403,
    // Another process runs the node of this data folder.
    DM_STORE_OWNED = 404,
    // A row was not in the state the commit required.
    DM_STORE_PRECONDITION = 405,
    // The address could not be reached.
    DM_UNREACHABLE = 500,
    // The peer answered, but not as the protocol requires.
    DM_BAD_ANSWER = 501,
    // The outbound policy forbids the address.
    DM_ADDRESS_FORBIDDEN = 502,
    // The port cannot be bound.
    DM_BIND_FAILED = 503,
    // Discovery cannot use the network as asked.
    DM_DISCOVERY_FAILED = 600,
    // A trust score is outside -1 to 1 or not finite.
    DM_TRUST_OUT_OF_RANGE = 700,
    // The agent is not connected.
    DM_PEER_NOT_CONNECTED = 900,
    // No such pending request.
    DM_REQUEST_UNKNOWN = 901,
    // The connection limit is reached.
    DM_CONNECTION_LIMIT = 902,
    // The peer answered with another identity than expected.
    DM_PEER_MISMATCH = 903,
    // The other side refused.
    DM_PEER_REFUSED = 904,
    // The node is inactive and accepts nothing.
    DM_INACTIVE = 905,
    // The peer's address class is outside the network tier.
    DM_TIER_RESTRICTED = 906,
    // The host's policy said no, failed or did not answer in time.
    DM_POLICY_REFUSED = 907,
    // The agent is on the block list, here or at the other side.
    DM_PEER_BLOCKED = 908,
    // There is no group of that name.
    DM_GROUP_UNKNOWN = 909,
    // The receiver's queue is full.
    DM_QUEUE_FULL = 1000,
    // Too many requests from this source or peer.
    DM_RATE_LIMITED = 1001,
    // The message does not exist or was acknowledged before.
    DM_MESSAGE_UNKNOWN = 1002,
    // The message expired before it could be delivered.
    DM_MESSAGE_EXPIRED = 1003,
    // The peer gives no receipts: beyond accepted nothing is known but an answer.
    DM_NO_RECEIPTS = 1004,
    // The sender took the message back.
    DM_MESSAGE_CANCELLED = 1005,
    // An idempotency key stands for another message.
    DM_IDEMPOTENCY_KEY_REUSED = 1010,
    // A limit of the message is looser than its author or a forwarder signed.
    DM_LIMITS_LOOSENED = 1011,
    // What the message says about its author or its way does not hold.
    DM_ORIGIN_INVALID = 1012,
    // The message may not be forwarded any more.
    DM_HOPS_EXHAUSTED = 1013,
    // The agent has the message already, as far as is known here.
    DM_ALREADY_RECEIVED = 1014,
    // A local request lacks the token of the data folder.
    DM_TOKEN_INVALID = 1400,
};

// The version of this header; `dm_version` tells that of the library.
#define DM_VERSION "0.1.0"


// The version of this border. A program that was compiled with a header of another one must not call us.
#define DM_ABI_VERSION 1

// How bad something is that is logged.
typedef enum dm_log_level {
    // Something failed.
    DM_LOG_ERROR = 1,
    // Something may need attention.
    DM_LOG_WARN = 2,
    // Something happened.
    DM_LOG_INFO = 3,
    // For those who look into the library.
    DM_LOG_DEBUG = 4,
    // Everything.
    DM_LOG_TRACE = 5,
} dm_log_level;

// What an inbox entry is.
typedef enum dm_message_kind {
    // A message from a connected peer.
    DM_MESSAGE_PEER = 0,
    // A properly signed message from an agent that is not connected.
    DM_MESSAGE_STRANGER = 1,
    // A note of the node itself.
    DM_MESSAGE_NOTICE = 2,
} dm_message_kind;

// How the sender of a message was proven.
typedef enum dm_verification {
    // A notice of the node itself: nothing to prove.
    DM_VERIFIED_LOCAL = 0,
    // The signature of dmagent 1.1.1: sender, id, time and content are certain; metadata and recipient are not.
    DM_VERIFIED_SIGNED = 1,
    // Our signature: everything is certain.
    DM_VERIFIED_SIGNED_FULLY = 2,
    // Our signature, and nobody on the way could read it.
    DM_VERIFIED_SEALED = 3,
    // As DM_VERIFIED_SEALED, kept for us by somebody else, and sealed to a pre-key that is destroyed within days.
    DM_VERIFIED_SEALED_ROTATING = 4,
    // As DM_VERIFIED_SEALED, kept for us by somebody else, and sealed to a pre-key that was destroyed with this message.
    DM_VERIFIED_SEALED_ONE_TIME = 5,
} dm_verification;

// How far a message got: the least of its copies.
typedef enum dm_delivery_state {
    // It cannot be delivered; the receipt says why.
    DM_DELIVERY_FAILED = 0,
    // It is on our disk, and will be sent when the peer can be reached.
    DM_DELIVERY_STORED = 1,
    // It is on the peer's disk.
    DM_DELIVERY_ACCEPTED = 2,
    // It is in the hands of the agent over there.
    DM_DELIVERY_DELIVERED = 3,
    // The agent over there acknowledged it.
    DM_DELIVERY_HANDLED = 4,
    // The agent over there answered.
    DM_DELIVERY_ANSWERED = 5,
    // The peer does not take it; the receipt has its words.
    DM_DELIVERY_REFUSED = 6,
    // It waited for the peer as long as it was allowed to.
    DM_DELIVERY_EXPIRED = 7,
} dm_delivery_state;

// A listener that is asked for events.
typedef struct dm_events dm_events;

// A received message. Who and what it tells is data of another agent, never instructions.
typedef struct dm_message dm_message;

// A node of the mesh.
typedef struct dm_node dm_node;

// A handler that is told events.
typedef struct dm_subscription dm_subscription;

// The answer to a question, written by the functions `dm_verdict_...` while the handler runs. One that writes nothing
// leaves the decision to the settings.
typedef struct dm_verdict dm_verdict;

// UTF-8 text that is only looked at.
typedef struct dm_text {
    // The first byte; NULL for no text.
    const char *data;
    // How many bytes, without the NUL that may follow.
    size_t len;
} dm_text;

// UTF-8 text that belongs to the program. End it with `dm_string_free`.
typedef struct dm_string {
    // The first byte; a NUL follows the last.
    char *data;
    // How many bytes, without that NUL.
    size_t len;
} dm_string;

// What a failed call tells. Start it with `{0}`, pass its address, and end it with `dm_error_clear` after a failure.
typedef struct dm_error {
    // The number of the error; `DM_OK` after a call that did what it says.
    dm_status status;
    // Whether the same call may succeed later.
    bool retryable;
    // The name of the error, such as `invalid_argument`. It lives for ever.
    const char *name;
    // What happened and what to do, with the facts of the case; NUL-terminated.
    struct dm_string message;
    // Those facts as a JSON object of texts.
    struct dm_string context;
} dm_error;

// Told an event, as JSON text.
typedef void (*dm_event_handler)(void *context, struct dm_text event);

// Ends a handler's context.
typedef void (*dm_drop)(void *context);

// Told a line of the log, and which part of the library speaks.
typedef void (*dm_log_handler)(void *context, enum dm_log_level level, struct dm_text target, struct dm_text text);

// An agent id: 64 hexadecimal digits and a NUL.
typedef struct dm_agent_id {
    // The digits and the NUL.
    char hex[65];
} dm_agent_id;

// Asked for a decision. The question is JSON text, as in the schema under `connection_question` and `message_question`.
typedef void (*dm_decide)(void *context, struct dm_text question, struct dm_verdict *verdict);

// The decisions a program wants to make. A function that is NULL leaves them to the settings.
typedef struct dm_policy {
    // Handed to each function.
    void *context;
    // Whether to connect: `dm_verdict_accept`, `dm_verdict_ask` or `dm_verdict_refuse`.
    dm_decide admit_connection;
    // Whether to take a message: `dm_verdict_accept` or `dm_verdict_refuse`.
    dm_decide admit_message;
    // Where a message goes: `dm_verdict_keep`, `dm_verdict_forward` or `dm_verdict_drop`.
    dm_decide route;
    // Ends `context`; may be NULL.
    dm_drop drop;
} dm_policy;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the library, such as `0.1.0`. It lives for ever.
struct dm_text dm_version(void);

// Whether the library fits the header that the program was compiled with: pass `DM_ABI_VERSION`.
//
// Errors: `DM_INVALID_ARGUMENT` when it does not; take the header and the library from one version.
dm_status dm_check_abi(uint32_t version, struct dm_error *error);

// Calls any verb of the schema, such as `peers.list`, with its arguments as a JSON object (no text for none). The result
// is JSON text to be ended with `dm_string_free`; `result` may be NULL. A message taken with `messages.next` belongs to
// the program until `messages.acknowledge` or `messages.release`; `dm_receive` gives it back by itself.
//
// Blocks. Errors: `DM_UNKNOWN_VERB`, `DM_INVALID_ARGUMENT` names the member, and what the verb fails with.
dm_status dm_call(struct dm_node *node,
                  struct dm_text verb,
                  struct dm_text arguments,
                  struct dm_string *result,
                  struct dm_error *error);

// Ends what a failed call told, and clears it. NULL, and a cleared one, are no error.
void dm_error_clear(struct dm_error *error);

// The name of a status, such as `invalid_argument`; `ok` for `DM_OK`, no text for a number that no error has. It lives
// for ever.
struct dm_text dm_status_name(dm_status status);

// Listens to everything that happens at a node from now on: the events of the schema, under `event`. A listener that is
// too slow loses the oldest, and is told how many as `{"missed": 3}`. End it with `dm_events_free`.
dm_status dm_events_open(struct dm_node *node,
                         struct dm_events **events,
                         struct dm_error *error);

// Waits for the next event: JSON text, to be ended with `dm_string_free`. A negative timeout waits as long as it takes, 0
// not at all. When none comes in time the call succeeds and `event->data` is NULL.
//
// Blocks. Errors: `DM_CLOSED` once the node is closed and everything was read.
dm_status dm_events_next(struct dm_events *events,
                         int64_t timeout_ms,
                         struct dm_string *event,
                         struct dm_error *error);

// Ends the handle and clears the variable.
void dm_events_free(struct dm_events **events);

// Tells `handler` everything that happens at a node from now on, as `dm_events_next` would; see Callbacks at the head. The
// calls end with the node, after what happened before, or with `dm_subscription_free`. `drop` ends `context`, and may be NULL.
dm_status dm_subscribe(struct dm_node *node,
                       dm_event_handler handler,
                       void *context,
                       dm_drop drop,
                       struct dm_subscription **subscription,
                       struct dm_error *error);

// Ends the calls of a subscription, and clears the variable. No call is under way when this returns, unless it is called
// from within one.
void dm_subscription_free(struct dm_subscription **subscription);

// Sends the log of this library to `handler`, as far as `most` (1 for errors only, to 5 for everything), or with a NULL
// handler to nobody; see Callbacks at the head. There is one handler in a process: a new one replaces the former, whose
// context is dropped when this returns, unless it is called from within that handler. A handler that is too slow loses
// records, and is told how many.
//
// Errors: `DM_INVALID_ARGUMENT` when the program has another Rust library that took the log of the process.
dm_status dm_log_set(int32_t most,
                     dm_log_handler handler,
                     void *context,
                     dm_drop drop,
                     struct dm_error *error);

// Removes a handled message for good; the handle stays until `dm_message_free`. `stored`, which may be NULL, tells whether
// the disk knows it, or, while that is full, memory alone. Blocks. Errors: `DM_MESSAGE_UNKNOWN` when it was acknowledged
// before.
dm_status dm_acknowledge(struct dm_message *message,
                         bool *stored,
                         struct dm_error *error);

// Gives a message back unhandled, to be handed out again after `delay_ms`; the handle stays until `dm_message_free`.
// Errors: `DM_MESSAGE_UNKNOWN` when it was acknowledged or given back before.
dm_status dm_release(struct dm_message *message, uint64_t delay_ms, struct dm_error *error);

// Ends the handle and clears the variable. A message that was neither acknowledged nor given back comes again after a
// second.
void dm_message_free(struct dm_message **message);

// The id that the sender gave it. It lives as long as the message; no text for a wrong handle.
struct dm_text dm_message_id(const struct dm_message *message);

// Who sent it, proven: an agent id. It lives as long as the message; no text for a wrong handle.
struct dm_text dm_message_from(const struct dm_message *message);

// What it says: data, never instructions. It lives as long as the message; no text for a wrong handle.
struct dm_text dm_message_content(const struct dm_message *message);

// What travels along, as a JSON object: data, never instructions. It lives as long as the message; no text for a wrong handle.
struct dm_text dm_message_metadata(const struct dm_message *message);

// The id of the message it answers; no text when it answers none. It lives as long as the message; no text for a wrong handle.
struct dm_text dm_message_in_reply_to(const struct dm_message *message);

// All of it as JSON, as the record `Message` of the schema. It lives as long as the message; no text for a wrong handle.
struct dm_text dm_message_json(const struct dm_message *message);

// What it is; `DM_MESSAGE_NOTICE` for a wrong handle.
enum dm_message_kind dm_message_kind_of(const struct dm_message *message);

// How its sender was proven; `DM_VERIFIED_LOCAL` for a wrong handle.
enum dm_verification dm_message_verification(const struct dm_message *message);

// Its place in the order of arrival at this node; 0 for a wrong handle, and for the first message.
uint64_t dm_message_sequence(const struct dm_message *message);

// When it was stored here, in microseconds since 1970; 0 for a wrong handle.
int64_t dm_message_received_at(const struct dm_message *message);

// How often it was handed out before without being acknowledged, since the node opened.
uint32_t dm_message_redeliveries(const struct dm_message *message);

// Whether its sender waits for the answer in parts: write them with `messages.part`, end it with `messages.finish`.
bool dm_message_wants_stream(const struct dm_message *message);

// Sends a message to a connected or pending peer. `options` is a JSON object with more members of the verb
// `messages.send` (such as `metadata`, `in_reply_to`, `expires_in_secs`, `timeout_secs`), or no text. `delivered` tells how
// far it got, `receipt` the same in full as JSON, to be ended with `dm_string_free`; either may be NULL.
//
// Blocks until the first attempt ended, or `timeout_secs` (10). Errors: `DM_PEER_NOT_CONNECTED`, `DM_INVALID_ARGUMENT`,
// `DM_QUEUE_FULL`, those of the disk.
dm_status dm_send(struct dm_node *node,
                  struct dm_text to,
                  struct dm_text content,
                  struct dm_text options,
                  enum dm_delivery_state *delivered,
                  struct dm_string *receipt,
                  struct dm_error *error);

// Sends a message and waits for the answer to it: a `dm_message` like that of `dm_receive`. A negative timeout waits as
// long as it takes.
//
// Blocks. Errors: those of `dm_send`, and `DM_TIMEOUT`: the message is sent or waits all the same, and a late answer comes
// with `dm_receive`.
dm_status dm_ask(struct dm_node *node,
                 struct dm_text to,
                 struct dm_text content,
                 struct dm_text options,
                 int64_t timeout_ms,
                 struct dm_message **answer,
                 struct dm_error *error);

// Waits for the next message. `filter` is a JSON object with members of the verb `messages.next` (`from`, `in_reply_to`,
// `kinds`), or no text for any. A negative timeout waits as long as it takes, 0 not at all. When none comes in time the
// call succeeds and `*message` is NULL.
//
// The message is durable and comes at least once: end it with `dm_acknowledge` when it is handled. One that is freed
// without, comes again after a pause (a second, twice as long each time, five minutes at most); one that dies with the
// process comes again after the next start.
//
// Blocks. Errors: `DM_CLOSED` when the node is closed meanwhile.
dm_status dm_receive(struct dm_node *node,
                     struct dm_text filter,
                     int64_t timeout_ms,
                     struct dm_message **message,
                     struct dm_error *error);

// Answers a message. `options`, `delivered`, `receipt` and errors as in `dm_send`.
dm_status dm_reply(struct dm_message *message,
                   struct dm_text content,
                   struct dm_text options,
                   enum dm_delivery_state *delivered,
                   struct dm_string *receipt,
                   struct dm_error *error);

// Opens a node.
//
// `preset` is where the settings start: `agent`, also when it is no text (modest defaults under the environment
// variables), `environment` (the product page's defaults under the environment variables), `internet` or `ephemeral`
// (neither reads the environment). `settings` is a JSON object that changes them, or no text; its members are in the
// schema, under `config`.
//
// Free the node with `dm_node_free`. Blocks. Errors: `DM_CONFIG_INVALID`, `DM_STORE_OWNED` and others of the data folder,
// `DM_BIND_FAILED`.
dm_status dm_node_open(struct dm_text preset,
                       struct dm_text settings,
                       struct dm_node **node,
                       struct dm_error *error);

// Closes a node: no more requests are taken, those under way have two seconds to finish, everything queued is on disk, and
// the data folder is free for another process. Every wait on the node ends with `DM_CLOSED`. The handle stays until
// `dm_node_free`; closing twice is no error. Blocks. Errors: those of the disk.
dm_status dm_node_close(struct dm_node *node,
                        struct dm_error *error);

// Ends the handle and clears the variable. A node that was not closed ends at once: what it accepted is on disk, and
// callers wait no longer. Messages and event streams that came from it may be freed before or after.
void dm_node_free(struct dm_node **node);

// Who the node is. Works on a closed node as well.
dm_status dm_node_agent_id(const struct dm_node *node, struct dm_agent_id *agent, struct dm_error *error);

// The URL that peers are told.
dm_status dm_node_url(const struct dm_node *node, struct dm_string *url, struct dm_error *error);

// The token of the node's local HTTP interface; it lives as long as the node. No text for a wrong handle. Whoever has it
// can do everything this node can.
struct dm_text dm_node_local_token(const struct dm_node *node);

// Whether the node was closed; true for a wrong handle.
bool dm_node_is_closed(const struct dm_node *node);

// Signs a text as this agent. `context` says what the signature is for, or is no text: a signature for one purpose is
// none for another. The signature is 128 hexadecimal digits, to be ended with `dm_string_free`. Errors:
// `DM_INVALID_ARGUMENT` for more than 1 MiB of data or 200 characters of context.
dm_status dm_passport_sign(struct dm_node *node,
                           struct dm_text data,
                           struct dm_text context,
                           struct dm_string *signature,
                           struct dm_error *error);

// Checks a signature made by `dm_passport_sign` of any agent. One that does not hold is an answer, `valid` = false, not an
// error.
dm_status dm_passport_verify(struct dm_node *node,
                             struct dm_text agent_id,
                             struct dm_text data,
                             struct dm_text context,
                             struct dm_text signature,
                             bool *valid,
                             struct dm_error *error);

// Asks the node at `url` for a connection. `expect` is who must answer there, or no text. `peer` is who answered, and
// `pending` whether somebody over there has yet to decide; either may be NULL. Messages to a pending peer wait for it.
//
// Blocks. Errors: `DM_UNREACHABLE`, `DM_ADDRESS_FORBIDDEN`, `DM_PEER_MISMATCH`, `DM_PEER_REFUSED`.
dm_status dm_connect(struct dm_node *node,
                     struct dm_text url,
                     struct dm_text expect,
                     struct dm_agent_id *peer,
                     bool *pending,
                     struct dm_error *error);

// Ends the connection with a peer; `reason` is for the peer and the log, or no text. Blocks. Errors:
// `DM_PEER_NOT_CONNECTED`.
dm_status dm_disconnect(struct dm_node *node, struct dm_text peer, struct dm_text reason, struct dm_error *error);

// What we think of an agent, -1 (distrust) to 1 (trust). `known` tells whether we have an impression at all, and may be
// NULL; without one the score is 0.
dm_status dm_trust_get(struct dm_node *node,
                       struct dm_text agent_id,
                       double *score,
                       bool *known,
                       struct dm_error *error);

// Sets what we think of an agent, -1 to 1; it need not be connected. `note` says why; no text keeps the note that is
// there. Blocks. Errors: `DM_TRUST_OUT_OF_RANGE`.
dm_status dm_trust_set(struct dm_node *node,
                       struct dm_text agent_id,
                       double score,
                       struct dm_text note,
                       struct dm_error *error);

// Asks the program from now on; NULL lets the settings decide again. The table is copied. A handler that takes longer
// than the setting `policy_timeout_ms` means the safe answer: a request waits for somebody's decision, a message is
// refused for now and sent again. See Callbacks at the head; the former policy's context is dropped when this returns,
// unless it is called from within that policy.
dm_status dm_node_set_policy(struct dm_node *node,
                             const struct dm_policy *policy,
                             struct dm_error *error);

// Connect, or take the message.
void dm_verdict_accept(struct dm_verdict *verdict);

// Let somebody decide later: the request waits.
void dm_verdict_ask(struct dm_verdict *verdict);

// Refuse for good. `reason` is a sentence for the other side; text that is not UTF-8 is left out.
void dm_verdict_refuse(struct dm_verdict *verdict, struct dm_text reason);

// Into the inbox.
void dm_verdict_keep(struct dm_verdict *verdict);

// To others, and not into the inbox: `to` is a JSON list of agent ids. Those who are not connected are skipped. Text that
// is no such list counts as a failure of the policy.
void dm_verdict_forward(struct dm_verdict *verdict,
                        struct dm_text to);

// Nowhere.
void dm_verdict_drop(struct dm_verdict *verdict);

// Ends a text that a function returned, and clears the variable. NULL, and a cleared one, are no error.
void dm_string_free(struct dm_string *string);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

// Text from a string that ends in NUL; NULL is no text.
static inline dm_text dm_text_of(const char *string) {
    dm_text text;
    text.data = string;
    text.len = string ? strlen(string) : 0;
    return text;
}

// No text: for an argument that is left out.
static inline dm_text dm_no_text(void) {
    dm_text text;
    text.data = NULL;
    text.len = 0;
    return text;
}

#endif // DMAGENT_H
