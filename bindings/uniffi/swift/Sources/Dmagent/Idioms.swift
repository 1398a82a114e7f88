// dmagent for Swift, by hand, where the generated code is not idiomatic enough: sequences, cancelled tasks, conveniences.
//
// What is generated does not hear that a task is cancelled. Everything here does: it cancels in the library, and a message
// that was under way goes back into the inbox.

extension Handout {
    /// Waits for the message and takes it; nil when none came in time. A cancelled task gives it back.
    public func message() async throws -> Message? {
        try await withTaskCancellationHandler {
            try await wait()
            return try take()
        } onCancel: {
            cancel()
        }
    }
}

extension Inbox {
    /// The next message; nil when none comes within `timeoutSecs`.
    public func receive(timeoutSecs: Double? = nil) async throws -> Message? {
        try await next(timeoutSecs: timeoutSecs).message()
    }

    /// The messages, one after another, until the node closes: `for try await message in inbox.messages`.
    public var messages: MessageSequence { MessageSequence(inbox: self) }
}

/// The messages of an inbox.
public struct MessageSequence: AsyncSequence {
    public typealias Element = Message

    let inbox: Inbox

    public struct AsyncIterator: AsyncIteratorProtocol {
        let inbox: Inbox

        public mutating func next() async throws -> Message? {
            while true {
                do {
                    if let message = try await inbox.receive() { return message }
                } catch DmError.ClosedError {
                    return nil
                }
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(inbox: inbox) }
}

/// What a node observes, from the moment the sequence is made.
public struct EventSequence: AsyncSequence {
    public typealias Element = Event

    let events: Events

    public struct AsyncIterator: AsyncIteratorProtocol {
        let events: Events

        public mutating func next() async throws -> Event? {
            let events = self.events
            return try await withTaskCancellationHandler {
                while try await events.wait() {
                    if let event = try events.take() { return event }
                }
                return nil
            } onCancel: {
                events.cancel()
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(events: events) }
}

extension Message {
    /// Lends the message to `body` and acknowledges it then, unless `body` has settled it. When `body` fails the message is
    /// given back and comes again after a pause that doubles each time; when the task is cancelled, at once.
    public func handle<Result>(_ body: (Message) async throws -> Result) async throws -> Result {
        let result: Result
        do {
            result = try await body(self)
        } catch {
            if !settled() {
                let interrupted = error is CancellationError && Task.isCancelled
                _ = interrupted ? try release() : try releaseAfterFailure()
            }
            throw error
        }
        if !settled() { _ = try await acknowledge() }
        return result
    }
}

/// Opens a node, lends it to `body`, and closes it whatever happens.
public func withNode<Result>(
    settings: Settings? = nil, preset: Preset? = nil, _ body: (Node) async throws -> Result
) async throws -> Result {
    let node = try Node(settings: settings, preset: preset)
    try await node.open()
    let result: Result
    do {
        result = try await body(node)
    } catch {
        try await node.close()
        throw error
    }
    try await node.close()
    return result
}

extension Node {
    /// Asks the node at a URL for a connection.
    public func connect(url: String) async throws -> Peer {
        try await cancelling { try await peers().connect(arguments: ConnectArgs(url: url), cancel: $0) }
    }

    /// Sends a message to one peer. `SendArgs` tells the options, and what holds without them.
    public func send(
        to: AgentId, content: String, metadata: Json? = nil, expiresInSecs: Double? = nil, hops: UInt32? = nil,
        inReplyTo: String? = nil, timeoutSecs: Double? = nil, idempotencyKey: String? = nil, deadline: Timestamp? = nil,
        budget: String? = nil, traceparent: String? = nil, tracestate: String? = nil, causedBy: UInt64? = nil,
        spend: String? = nil
    ) async throws -> Receipt {
        let plain = SendArgs(to: [to], content: content)
        let arguments = SendArgs(
            to: plain.to, content: content, budget: budget, causedBy: causedBy, deadline: deadline,
            expiresInSecs: expiresInSecs, hops: hops ?? plain.hops, idempotencyKey: idempotencyKey, inReplyTo: inReplyTo,
            metadata: metadata, spend: spend, timeoutSecs: timeoutSecs ?? plain.timeoutSecs, traceparent: traceparent,
            tracestate: tracestate)
        return try await cancelling { try await messages().send(arguments: arguments, cancel: $0) }
    }

    /// Sends a message to one peer and waits for the answer to it; nil never, unless somebody else took it. `AskArgs` tells
    /// the options.
    public func ask(
        to: AgentId, content: String, timeoutSecs: Double? = nil, metadata: Json? = nil, inReplyTo: String? = nil,
        idempotencyKey: String? = nil, deadline: Timestamp? = nil, budget: String? = nil, traceparent: String? = nil,
        tracestate: String? = nil, causedBy: UInt64? = nil, spend: String? = nil
    ) async throws -> Message? {
        let arguments = AskArgs(
            to: to, content: content, budget: budget, causedBy: causedBy, deadline: deadline,
            idempotencyKey: idempotencyKey, inReplyTo: inReplyTo, metadata: metadata, spend: spend,
            timeoutSecs: timeoutSecs, traceparent: traceparent, tracestate: tracestate)
        return try await messages().ask(arguments: arguments).message()
    }

    /// The next message for the agent; nil when none comes within `timeoutSecs`. `NextArgs` tells what the others choose.
    public func receive(
        timeoutSecs: Double? = nil, from: [AgentId] = [], inReplyTo: String? = nil, kinds: [MessageKind] = []
    ) async throws -> Message? {
        let filter = NextArgs(from: from, inReplyTo: inReplyTo, kinds: kinds)
        return try await inbox(filter: filter).receive(timeoutSecs: timeoutSecs)
    }

    /// Everything that happens from now on: `for try await event in try node.eventSequence()`.
    public func eventSequence() throws -> EventSequence { EventSequence(events: try events()) }
}

/// Gives a call a `Cancel` that is cancelled with the task.
public func cancelling<Result>(_ call: (Cancel) async throws -> Result) async throws -> Result {
    let cancel = Cancel()
    return try await withTaskCancellationHandler {
        try await call(cancel)
    } onCancel: {
        cancel.cancel()
    }
}

extension DmError {
    /// What went wrong; nil when the program itself cancelled the call.
    public var failure: Failure? {
        switch self {
        case .InternalError(let failure), .InvalidInputError(let failure), .ConfigError(let failure),
            .IdentityError(let failure), .StoreError(let failure), .UnreachableError(let failure),
            .TimeoutError(let failure), .NotFoundError(let failure), .RefusedError(let failure),
            .LimitError(let failure), .ClosedError(let failure):
            return failure
        case .CancelledError:
            return nil
        }
    }

    /// The stable reason; nil when the program itself cancelled the call.
    public var code: Code? { failure?.code }
}

extension Policy {
    /// The settings decide, unless you say otherwise.
    public func admitConnection(question: ConnectionQuestion) async throws -> ConnectionVerdict { .`default` }

    /// Every message is taken, unless you say otherwise.
    public func admitMessage(question: MessageQuestion) async throws -> MessageVerdict { .accept }

    /// The routing rules decide, unless you say otherwise.
    public func route(question: MessageQuestion) async throws -> RouteVerdict { .`default` }
}
