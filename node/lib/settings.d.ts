// What a node can be opened with.
//
// Made by `cargo xtask gen` from the schema; do not edit.

import type {
  AccessName,
  AutoAccept,
  Durability,
  Json,
  Loopback,
  Mode,
  NetworkTier,
  RouterMode,
  RuleAction,
  Sharing,
} from './records.js';

/** How full the inbox may get. */
export interface InboxLimits {
  /** Content of all messages, in bytes; a quarter at most for one peer or all strangers. Default: 32 MiB. */
  bytes?: number;
  /** Notices of the node itself; a new one replaces the oldest, handed out or not. Default: 50. */
  notices?: number;
  /** Messages of connected peers together. Default: 1,000. */
  peers?: number;
  /** Messages of one connected peer. Default: 250. */
  perPeer?: number;
  /** Messages of one stranger. Default: 5. */
  perStranger?: number;
  /** Messages of strangers together. Default: 50. */
  strangers?: number;
}

/** Requests a minute, and connections at once. `null` means no limit. */
export interface Limits {
  /**
   * Connections that one source may hold at once; one more is answered 429. In a node all sources together have
   * 1,024, whatever this says.
   */
  connectionsPerSource?: number | null;
  /** Whether sources on this machine are limited like others, in requests of strangers and in connections. */
  loopback?: Loopback;
  /** For each connected peer, unless it has a limit of its own. */
  peer?: number | null;
  /** For the pings of each source, which count nowhere else. */
  ping?: number | null;
  /** For each source address that has not proven to be a connected peer. */
  strangerPerSource?: number | null;
  /** For all such sources together. */
  strangersTotal?: number | null;
}

/** One rule. Conditions that are absent hold for every message; those present must all hold. */
export interface RoutingRule {
  /** What happens when it matches. */
  action: RuleAction;
  /** Whether it is tried at all. */
  enabled?: boolean;
  /** Who gets a forwarded message. */
  forwardTo?: string[];
  /** Who sent the message. */
  fromAgentId?: string | null;
  /** Text that the content contains, in any letter case. */
  keyword?: string | null;
  /** A metadata key that is present, with any value unless `metadata_value` is given. */
  metadataKey?: string | null;
  /** The text form of the value under `metadata_key`; means nothing without a key. */
  metadataValue?: string | null;
  /** Higher is tried first. */
  priority?: bigint | number;
  /** What `answer` says, 1 to 4,000 characters; nothing to other actions, and to 1.1.1. */
  responseText?: string | null;
  /** Its name. */
  ruleId: string;
}

/** The settings of one node. Unknown members in JSON are refused, so that a typing error shows. */
export interface Settings {
  /** Who may call an endpoint, where that differs from the default. */
  accessOverrides?: Record<string, AccessName>;
  /** Whose requests are accepted without asking. Default: `loopback`. */
  autoAccept?: AutoAccept;
  /** What peers read about the agent, at most 1,000 characters. Default: the stored one. */
  bio?: string | null;
  /** Be an entry node: accept everybody, answer root paths too. Default: false. */
  bootstrapMode?: boolean;
  /** Base URLs of entry nodes. Default: none. */
  bootstrapPeers?: string[];
  /** What the agent offers beyond the mesh, told to peers in the handshake: a small JSON object. */
  capabilities?: Json;
  /** Whether the node looks for others. Default: `off`. */
  discovery?: Mode;
  /** The loopback ports that discovery scans, first and last. Default: 8100 to 8200. */
  discoveryPorts?: [number, number];
  /** The name peers see, at most 100 characters. Default: the stored one, else a random one. */
  displayName?: string | null;
  /** What a resolved commit promises. Default: `grouped`. */
  durability?: Durability;
  /** Keep nothing on disk: a fresh identity that ends with the process. Default: false. */
  ephemeral?: boolean;
  /** The address to listen at. Default: `127.0.0.1`. */
  host?: string;
  /** Whether to listen and dial over HTTP at all. Default: true. */
  http?: boolean;
  /** How full the inbox may get. */
  inbox?: InboxLimits;
  /** Rate limits. */
  limits?: Limits;
  /** Keep mail for peers that ask for it while they are away, and say so to all. Default: false. */
  mailbox?: boolean;
  /**
   * How long a message waits for its recipient itself, in seconds, before others are asked to keep it, too.
   * Default: 60.
   */
  mailboxAfterSecs?: bigint | number;
  /** Most connections. Default: 50. */
  maxConnections?: number;
  /**
   * Whether the nodes of this process that say so too reach each other without a socket, at `memory://agent-` and
   * the first 32 digits of the agent id. Default: false.
   */
  memory?: boolean;
  /** How long negative trust may last before the peer is disconnected, in seconds. Default: 3,600. */
  negativeTrustSecs?: bigint | number;
  /** Which addresses the node talks to. Default: `lan` (loopback and private networks). */
  networkTier?: NetworkTier;
  /** How long a message waits for an unreachable peer, in seconds, when the sender gives no time. Default: 86,400. */
  outboxExpirySecs?: bigint | number;
  /**
   * Most messages that wait for unreachable peers; those being sent at the moment may be as many again. Default:
   * 10,000.
   */
  outboxLimit?: number;
  /**
   * How often an idle peer is pinged, in seconds; 0 for never. Default: 20, so that silence is found within 30 s:
   * a ping may take 4 s, and a second one follows it after 1 s.
   */
  pingIntervalSecs?: bigint | number;
  /** How long the host's policy may think, in milliseconds. Default: 2,000. */
  policyTimeoutMs?: bigint | number;
  /** The port to listen at; 0 lets the system choose. Default: 0. */
  port?: number;
  /**
   * What `DARKMATTER_PROJECT_DIR` names: this folder if it has a passport, else the nearest one from the current
   * folder upwards that has; a new passport goes here. `projectDir` wins over it. Default: none.
   */
  preferredDir?: string | null;
  /**
   * The folder whose `.darkmatter` holds passport and database. Default: the nearest folder, from the current one
   * upwards, that has a passport; else the current one.
   */
  projectDir?: string | null;
  /** The base URL that others reach this node at, when that differs from where it listens. */
  publicUrl?: string | null;
  /** Tell senders what becomes of their messages, and take such receipts. Default: true. */
  receipts?: boolean;
  /** How long a request may wait for a decision, in seconds. Default: 3,600. */
  requestExpirySecs?: bigint | number;
  /** How routing rules and the queue work together. Default: `spawn` (rules, then queue). */
  routerMode?: RouterMode;
  /** Rules for incoming messages. */
  routingRules?: RoutingRule[];
  /** Seal message bodies for peers that can open them. Default: true. */
  seal?: boolean;
  /** Of how many sent copies the node remembers what became of them, beside those that wait. Default: 1,000. */
  sentLimit?: number;
  /**
   * Who is told what we think of others: `connected` peers (the default), `trusted` ones (score above 0), or
   * `none`. Nobody is told about itself.
   */
  shareImpressions?: Sharing;
  /** Who is told the notes along. 1.1.1 signs no question, so with the default, `trusted`, it hears none. */
  shareNotes?: Sharing;
  /**
   * Whether other nodes of this process may listen at the same host and port: those that say so too. Each has a
   * place below it, `/agents/` and its id, and tells peers that. Default: false.
   */
  sharedPort?: boolean;
  /** Proxies whose `X-Forwarded-For` is believed. Default: none. */
  trustedProxies?: string[];
  /** Ask the router for a port mapping when the tier is `global` and no public URL is set. Default: false. */
  upnp?: boolean;
  /**
   * Let peers that keep mail keep ours: leave our pre-keys with them, and messages for those who left theirs. Only
   * with `seal`. Default: true.
   */
  useMailboxes?: boolean;
}
