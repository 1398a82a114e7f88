// How arguments, settings, records and events cross the border.
//
// Made by `cargo xtask gen` from the schema; do not edit.

'use strict';

/** Members of records: the name here, how it crosses, and what stands for it when it is absent. */
const RECORDS = {
  BlockedAgent: {
    agent_id: ['agentId', ''],
    blocked_at: ['blockedAt', 'big'],
    reason: ['reason', '', null],
  },
  Cancellation: {
    copies: ['copies', 'CancelledCopy[]'],
    message_id: ['messageId', ''],
  },
  CancelledCopy: {
    outcome: ['outcome', ''],
    to: ['to', ''],
  },
  ConnectionQuestion: {
    agent_id: ['agentId', ''],
    bio: ['bio', ''],
    display_name: ['displayName', '', null],
    identity_verified: ['identityVerified', ''],
    source: ['source', ''],
    trust: ['trust', '', null],
    url: ['url', ''],
  },
  ContextText: {
    context: ['context', ''],
    hint: ['hint', ''],
  },
  Delivery: {
    at: ['at', 'big', null],
    gives_receipts: ['givesReceipts', '', false],
    proof: ['proof', '', null],
    reason: ['reason', 'Reason', null],
    reply_id: ['replyId', '', null],
    state: ['state', ''],
    to: ['to', ''],
    via: ['via', '', null],
  },
  Discovered: {
    accepting: ['accepting', ''],
    agent_id: ['agentId', ''],
    bio: ['bio', ''],
    display_name: ['displayName', ''],
    seen_at: ['seenAt', 'big'],
    signed: ['signed', ''],
    source: ['source', ''],
    url: ['url', ''],
  },
  GivenReceipt: {
    at: ['at', 'big'],
    from: ['from', ''],
    message_id: ['messageId', ''],
    receipt: ['receipt', ''],
    reply_id: ['replyId', '', null],
    state: ['state', ''],
  },
  LogEntry: {
    content: ['content', ''],
    direction: ['direction', ''],
    entry_type: ['entryType', ''],
    from_agent_id: ['fromAgentId', ''],
    message_id: ['messageId', ''],
    metadata: ['metadata', '', {}],
    timestamp: ['timestamp', ''],
    to_agent_ids: ['toAgentIds', '', []],
    trust_at_time: ['trustAtTime', '', 0.0],
  },
  Message: {
    content: ['content', ''],
    from: ['from', ''],
    hops_remaining: ['hopsRemaining', '', 0],
    in_reply_to: ['inReplyTo', '', null],
    kind: ['kind', '', 'peer'],
    message_id: ['messageId', ''],
    metadata: ['metadata', '', {}],
    received_at: ['receivedAt', 'big'],
    redeliveries: ['redeliveries', '', 0],
    sequence: ['sequence', 'big'],
    verification: ['verification', ''],
    wants_stream: ['wantsStream', '', false],
  },
  MessageQuestion: {
    content: ['content', ''],
    from: ['from', ''],
    in_reply_to: ['inReplyTo', '', null],
    kind: ['kind', ''],
    message_id: ['messageId', ''],
    metadata: ['metadata', ''],
    trust: ['trust', '', null],
  },
  NodeInfo: {
    active: ['active', ''],
    addresses: ['addresses', ''],
    agent_id: ['agentId', ''],
    bio: ['bio', ''],
    created_at: ['createdAt', 'big'],
    data_dir: ['dataDir', '', null],
    display_name: ['displayName', ''],
    outbox: ['outbox', ''],
    peers: ['peers', ''],
    pending_requests: ['pendingRequests', ''],
    unread: ['unread', ''],
    url: ['url', ''],
    version: ['version', ''],
  },
  OpenedStream: {
    stream_id: ['streamId', ''],
  },
  OutboxItem: {
    attempts: ['attempts', '', 0],
    content: ['content', ''],
    created_at: ['createdAt', 'big'],
    expires_at: ['expiresAt', 'big'],
    hops: ['hops', ''],
    in_reply_to: ['inReplyTo', '', null],
    last_reason: ['lastReason', 'Reason', null],
    message_id: ['messageId', ''],
    metadata: ['metadata', '', {}],
    next_attempt: ['nextAttempt', 'big'],
    sequence: ['sequence', 'big'],
    to: ['to', ''],
    was_limited: ['wasLimited', '', false],
  },
  Part: {
    content: ['content', ''],
    number: ['number', 'big'],
  },
  Peer: {
    agent_id: ['agentId', ''],
    bio: ['bio', ''],
    capabilities: ['capabilities', ''],
    connected_at: ['connectedAt', 'big', null],
    display_name: ['displayName', '', null],
    health: ['health', '', null],
    identity_verified: ['identityVerified', ''],
    last_activity: ['lastActivity', 'big', null],
    messages_received: ['messagesReceived', 'big'],
    messages_sent: ['messagesSent', 'big'],
    state: ['state', ''],
    trust: ['trust', '', null],
    unreachable: ['unreachable', ''],
    url: ['url', ''],
  },
  PeerHint: {
    agent_id: ['agentId', ''],
    bio: ['bio', ''],
    connected: ['connected', ''],
    display_name: ['displayName', ''],
  },
  PeerOpinion: {
    agent_id: ['agentId', ''],
    has_impression: ['hasImpression', ''],
    note: ['note', ''],
    score: ['score', '', null],
    signed: ['signed', ''],
  },
  PendingRequest: {
    agent_id: ['agentId', ''],
    bio: ['bio', ''],
    capabilities: ['capabilities', '', {}],
    challenge_answered: ['challengeAnswered', '', false],
    display_name: ['displayName', '', null],
    identity_verified: ['identityVerified', ''],
    mutual: ['mutual', '', false],
    peer_created_at: ['peerCreatedAt', '', null],
    request_id: ['requestId', ''],
    requested_at: ['requestedAt', 'big'],
    signed_at: ['signedAt', 'big', null],
    told_from: ['toldFrom', '', 'global'],
    url: ['url', ''],
    wallets: ['wallets', '', {}],
  },
  Reason: {
    code: ['code', ''],
    text: ['text', ''],
  },
  Receipt: {
    deliveries: ['deliveries', 'Delivery[]'],
    message_id: ['messageId', ''],
    state: ['state', ''],
  },
  ReceiptVerdict: {
    at: ['at', 'big'],
    content_matches: ['contentMatches', '', null],
    from: ['from', ''],
    message_id: ['messageId', ''],
    reply_id: ['replyId', '', null],
    state: ['state', ''],
    to: ['to', ''],
    valid: ['valid', ''],
  },
  Rule: {
    action: ['action', ''],
    enabled: ['enabled', '', true],
    forward_to: ['forwardTo', '', []],
    from_agent_id: ['fromAgentId', '', null],
    keyword: ['keyword', '', null],
    metadata_key: ['metadataKey', '', null],
    metadata_value: ['metadataValue', '', null],
    priority: ['priority', 'big', 0],
    response_text: ['responseText', '', null],
    rule_id: ['ruleId', ''],
  },
  RuleTrial: {
    answer: ['answer', '', null],
    fate: ['fate', ''],
    forward_to: ['forwardTo', ''],
    reason: ['reason', ''],
    rule_id: ['ruleId', '', null],
  },
  Signed: {
    agent_id: ['agentId', ''],
    signature: ['signature', ''],
  },
  TrustOf: {
    agent_id: ['agentId', ''],
    infrastructure: ['infrastructure', '', false],
    msgs_received: ['msgsReceived', 'big', 0],
    msgs_sent: ['msgsSent', 'big', 0],
    negative_since: ['negativeSince', 'big', null],
    note: ['note', '', ''],
    score: ['score', ''],
    updated_at: ['updatedAt', 'big', 0],
  },
  WrittenPart: {
    number: ['number', 'big'],
    streamed: ['streamed', ''],
  },
};

/** The same for events. */
const EVENTS = {
  message_received: {
    at: ['at', 'big'],
    from: ['from', ''],
    kind: ['kind', ''],
    message_id: ['messageId', ''],
  },
  broadcast_received: {
    at: ['at', 'big'],
    content: ['content', ''],
    from: ['from', ''],
    message_id: ['messageId', ''],
  },
  message_accepted: {
    at: ['at', 'big'],
    message_id: ['messageId', ''],
    to: ['to', ''],
    via: ['via', ''],
  },
  message_delivered: {
    at: ['at', 'big'],
    message_id: ['messageId', ''],
    to: ['to', ''],
  },
  message_handled: {
    at: ['at', 'big'],
    message_id: ['messageId', ''],
    to: ['to', ''],
  },
  message_answered: {
    at: ['at', 'big'],
    message_id: ['messageId', ''],
    reply_id: ['replyId', '', null],
    to: ['to', ''],
  },
  message_cancelled: {
    at: ['at', 'big'],
    from: ['from', ''],
    handed_out: ['handedOut', ''],
    message_id: ['messageId', ''],
    reason: ['reason', '', null],
  },
  message_failed: {
    at: ['at', 'big'],
    message_id: ['messageId', ''],
    reason: ['reason', 'Reason'],
    to: ['to', ''],
  },
  peer_connected: {
    at: ['at', 'big'],
    agent_id: ['agentId', ''],
    display_name: ['displayName', '', null],
  },
  peer_disconnected: {
    at: ['at', 'big'],
    agent_id: ['agentId', ''],
    reason: ['reason', ''],
  },
  connection_rejected: {
    at: ['at', 'big'],
    agent_id: ['agentId', ''],
  },
  connection_requested: {
    at: ['at', 'big'],
    agent_id: ['agentId', ''],
    display_name: ['displayName', '', null],
    request_id: ['requestId', ''],
  },
  peer_updated: {
    at: ['at', 'big'],
    agent_id: ['agentId', ''],
  },
  peer_reachability: {
    at: ['at', 'big'],
    agent_id: ['agentId', ''],
    reachable: ['reachable', ''],
  },
  trust_changed: {
    at: ['at', 'big'],
    agent_id: ['agentId', ''],
    score: ['score', ''],
  },
  agent_discovered: {
    at: ['at', 'big'],
    found: ['found', 'Discovered'],
  },
  storage_failed: {
    at: ['at', 'big'],
    error: ['error', ''],
  },
  storage_recovered: {
    at: ['at', 'big'],
  },
};

/** Settings: the name there, and what may stand for it. */
const SETTINGS = {
  InboxLimits: {
    bytes: ['bytes', ''],
    notices: ['notices', ''],
    peers: ['peers', ''],
    perPeer: ['per_peer', ''],
    perStranger: ['per_stranger', ''],
    strangers: ['strangers', ''],
  },
  Limits: {
    connectionsPerSource: ['connections_per_source', ''],
    loopback: ['loopback', ''],
    peer: ['peer', ''],
    ping: ['ping', ''],
    strangerPerSource: ['stranger_per_source', ''],
    strangersTotal: ['strangers_total', ''],
  },
  RoutingRule: {
    action: ['action', ''],
    enabled: ['enabled', ''],
    forwardTo: ['forward_to', 'agents'],
    fromAgentId: ['from_agent_id', 'agent'],
    keyword: ['keyword', ''],
    metadataKey: ['metadata_key', ''],
    metadataValue: ['metadata_value', ''],
    priority: ['priority', ''],
    responseText: ['response_text', ''],
    ruleId: ['rule_id', ''],
  },
  NodeConfig: {
    accessOverrides: ['access_overrides', ''],
    autoAccept: ['auto_accept', ''],
    bio: ['bio', ''],
    bootstrapMode: ['bootstrap_mode', ''],
    bootstrapPeers: ['bootstrap_peers', ''],
    capabilities: ['capabilities', ''],
    discovery: ['discovery', ''],
    discoveryPorts: ['discovery_ports', ''],
    displayName: ['display_name', ''],
    durability: ['durability', ''],
    ephemeral: ['ephemeral', ''],
    host: ['host', ''],
    http: ['http', ''],
    inbox: ['inbox', 'InboxLimits'],
    limits: ['limits', 'Limits'],
    maxConnections: ['max_connections', ''],
    memory: ['memory', ''],
    negativeTrustSecs: ['negative_trust_secs', ''],
    networkTier: ['network_tier', ''],
    outboxExpirySecs: ['outbox_expiry_secs', ''],
    outboxLimit: ['outbox_limit', ''],
    pingIntervalSecs: ['ping_interval_secs', ''],
    policyTimeoutMs: ['policy_timeout_ms', ''],
    port: ['port', ''],
    preferredDir: ['preferred_dir', ''],
    projectDir: ['project_dir', ''],
    publicUrl: ['public_url', ''],
    receipts: ['receipts', ''],
    requestExpirySecs: ['request_expiry_secs', ''],
    routerMode: ['router_mode', ''],
    routingRules: ['routing_rules', 'RoutingRule[]'],
    seal: ['seal', ''],
    sentLimit: ['sent_limit', ''],
    shareImpressions: ['share_impressions', ''],
    shareNotes: ['share_notes', ''],
    trustedProxies: ['trusted_proxies', ''],
    upnp: ['upnp', ''],
  },
};

/** Verbs: arguments that stand in a row, all arguments as settings are, and the result. */
const VERBS = {
  'node.info': {
    row: [],
    members: {},
    result: 'NodeInfo',
  },
  'node.update': {
    row: [],
    members: {
      active: ['active', ''],
      bio: ['bio', ''],
      displayName: ['display_name', ''],
    },
    result: 'NodeInfo',
  },
  'peers.connect': {
    row: ['url'],
    members: {
      expect: ['expect', 'agent'],
      url: ['url', ''],
    },
    result: 'Peer',
  },
  'peers.list': {
    row: [],
    members: {},
    result: 'Peer[]',
  },
  'peers.get': {
    row: ['agent'],
    members: {
      agent: ['agent', 'agent'],
    },
    result: 'Peer',
  },
  'peers.pending': {
    row: [],
    members: {},
    result: 'PendingRequest[]',
  },
  'peers.accept': {
    row: ['requestId'],
    members: {
      requestId: ['request_id', ''],
    },
    result: 'Peer',
  },
  'peers.reject': {
    row: ['requestId'],
    members: {
      requestId: ['request_id', ''],
    },
    result: 'PendingRequest',
  },
  'peers.disconnect': {
    row: ['agent'],
    members: {
      agent: ['agent', 'agent'],
      reason: ['reason', ''],
    },
    result: 'nothing',
  },
  'peers.of': {
    row: ['agent'],
    members: {
      agent: ['agent', 'agent'],
      n: ['n', ''],
    },
    result: 'PeerHint[]',
  },
  'peers.block': {
    row: ['agent'],
    members: {
      agent: ['agent', 'agent'],
      reason: ['reason', ''],
    },
    result: 'BlockedAgent',
  },
  'peers.unblock': {
    row: ['agent'],
    members: {
      agent: ['agent', 'agent'],
    },
    result: 'nothing',
  },
  'peers.blocked': {
    row: [],
    members: {},
    result: 'BlockedAgent[]',
  },
  'messages.send': {
    row: ['to', 'content'],
    members: {
      content: ['content', ''],
      expiresInSecs: ['expires_in_secs', ''],
      hops: ['hops', ''],
      inReplyTo: ['in_reply_to', ''],
      metadata: ['metadata', ''],
      timeoutSecs: ['timeout_secs', ''],
      to: ['to', 'recipients'],
    },
    result: 'Receipt',
  },
  'messages.ask': {
    row: ['to', 'content'],
    members: {
      content: ['content', ''],
      inReplyTo: ['in_reply_to', ''],
      metadata: ['metadata', ''],
      timeoutSecs: ['timeout_secs', ''],
      to: ['to', 'agent'],
    },
    result: 'Message',
  },
  'messages.ask_stream': {
    row: ['to', 'content'],
    members: {
      content: ['content', ''],
      inReplyTo: ['in_reply_to', ''],
      metadata: ['metadata', ''],
      timeoutSecs: ['timeout_secs', ''],
      to: ['to', 'agent'],
    },
    result: 'OpenedStream',
  },
  'messages.next_part': {
    row: ['streamId'],
    members: {
      number: ['number', ''],
      streamId: ['stream_id', ''],
    },
    result: 'Part',
  },
  'messages.part': {
    row: ['to', 'inReplyTo', 'content'],
    members: {
      content: ['content', ''],
      inReplyTo: ['in_reply_to', ''],
      to: ['to', 'agent'],
    },
    result: 'WrittenPart',
  },
  'messages.finish': {
    row: ['to', 'inReplyTo'],
    members: {
      content: ['content', ''],
      inReplyTo: ['in_reply_to', ''],
      metadata: ['metadata', ''],
      timeoutSecs: ['timeout_secs', ''],
      to: ['to', 'agent'],
    },
    result: 'Receipt',
  },
  'messages.broadcast': {
    row: ['content'],
    members: {
      content: ['content', ''],
      metadata: ['metadata', ''],
      top: ['top', ''],
    },
    result: 'Receipt',
  },
  'messages.next': {
    row: [],
    members: {
      from: ['from', 'agents'],
      inReplyTo: ['in_reply_to', ''],
      kinds: ['kinds', 'several'],
      timeoutSecs: ['timeout_secs', ''],
    },
    result: 'Message',
  },
  'messages.acknowledge': {
    row: ['sequence'],
    members: {
      sequence: ['sequence', 'sequence'],
    },
    result: 'flag:stored',
  },
  'messages.release': {
    row: ['sequence'],
    members: {
      delaySecs: ['delay_secs', ''],
      sequence: ['sequence', 'sequence'],
    },
    result: 'flag:released',
  },
  'messages.list': {
    row: [],
    members: {},
    result: 'Message[]',
  },
  'messages.outbox': {
    row: [],
    members: {},
    result: 'OutboxItem[]',
  },
  'messages.status': {
    row: ['messageId'],
    members: {
      messageId: ['message_id', ''],
    },
    result: 'Receipt',
  },
  'messages.until': {
    row: ['messageId', 'state'],
    members: {
      messageId: ['message_id', ''],
      state: ['state', ''],
      timeoutSecs: ['timeout_secs', ''],
    },
    result: 'Receipt',
  },
  'messages.cancel': {
    row: ['messageId'],
    members: {
      messageId: ['message_id', ''],
      reason: ['reason', ''],
    },
    result: 'Cancellation',
  },
  'messages.sent': {
    row: [],
    members: {
      limit: ['limit', ''],
    },
    result: 'Receipt[]',
  },
  'messages.receipts': {
    row: [],
    members: {
      limit: ['limit', ''],
    },
    result: 'GivenReceipt[]',
  },
  'messages.verify': {
    row: ['receipt'],
    members: {
      content: ['content', ''],
      inReplyTo: ['in_reply_to', ''],
      metadata: ['metadata', ''],
      receipt: ['receipt', ''],
    },
    result: 'ReceiptVerdict',
  },
  'messages.log': {
    row: [],
    members: {
      limit: ['limit', ''],
    },
    result: 'LogEntry[]',
  },
  'messages.context': {
    row: ['session'],
    members: {
      session: ['session', ''],
    },
    result: 'ContextText',
  },
  'trust.get': {
    row: ['agent'],
    members: {
      agent: ['agent', 'agent'],
    },
    result: 'TrustOf',
  },
  'trust.set': {
    row: ['agent', 'score'],
    members: {
      agent: ['agent', 'agent'],
      note: ['note', ''],
      score: ['score', ''],
    },
    result: 'TrustOf',
  },
  'trust.list': {
    row: [],
    members: {},
    result: 'TrustOf[]',
  },
  'trust.forget': {
    row: ['agent'],
    members: {
      agent: ['agent', 'agent'],
    },
    result: 'nothing',
  },
  'trust.ask': {
    row: ['peer', 'about'],
    members: {
      about: ['about', 'agent'],
      peer: ['peer', 'agent'],
    },
    result: 'PeerOpinion',
  },
  'rules.list': {
    row: [],
    members: {},
    result: 'Rule[]',
  },
  'rules.set': {
    row: ['rules'],
    members: {
      rules: ['rules', 'RoutingRule[]'],
    },
    result: 'Rule[]',
  },
  'rules.test': {
    row: ['content', 'from'],
    members: {
      content: ['content', ''],
      from: ['from', 'agent'],
      metadata: ['metadata', ''],
    },
    result: 'RuleTrial',
  },
  'discovery.scan': {
    row: [],
    members: {},
    result: 'Discovered[]',
  },
  'discovery.list': {
    row: [],
    members: {},
    result: 'Discovered[]',
  },
  'passport.sign': {
    row: ['data'],
    members: {
      context: ['context', ''],
      data: ['data', ''],
    },
    result: 'Signed',
  },
  'passport.verify': {
    row: ['agent', 'data', 'signature'],
    members: {
      agent: ['agent', 'agent'],
      context: ['context', ''],
      data: ['data', ''],
      signature: ['signature', ''],
    },
    result: 'flag:valid',
  },
};

module.exports = { RECORDS, EVENTS, SETTINGS, VERBS };
