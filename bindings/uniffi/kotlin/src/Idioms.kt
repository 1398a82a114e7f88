// dmagent for Kotlin, by hand, where the generated code is not idiomatic enough: closing by scope, flows, and conveniences.
//
// Objects of the library are closed by scope (`use`) or, later, by the garbage collector. Cancelling a coroutine reaches the
// library: a call that waits ends there, and a message that was under way goes back into the inbox.
package dmagent

import kotlin.coroutines.coroutineContext
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.isActive
import kotlinx.coroutines.withContext

/** Opens a node, lends it to [block], and closes it whatever happens: requests under way finish, everything is on disk. */
suspend fun <T> withNode(settings: Settings? = null, preset: Preset? = null, block: suspend (Node) -> T): T =
    Node(settings, preset).use { node ->
        try {
            node.open()
            block(node)
        } finally {
            withContext(NonCancellable) { node.shutdown() }
        }
    }

/** Waits for the message and takes it; null when none came in time. */
suspend fun Handout.await(): Message? = use { handout ->
    handout.wait()
    handout.take()
}

/** The next message; null when none comes within [timeoutSecs]. */
suspend fun Inbox.receive(timeoutSecs: Double? = null): Message? = next(timeoutSecs).await()

/** The messages, one after another, until the node closes. Hand each to [handle]. */
fun Inbox.messages(): Flow<Message> = flow {
    while (true) {
        val message = try {
            receive()
        } catch (closed: DmException.ClosedException) {
            return@flow
        }
        if (message != null) emit(message)
    }
}

/**
 * Lends a message to [block] and acknowledges it when the block returns, at its end or with `return@handle`, unless the block has
 * settled it. When the block fails the message is given back and comes again after a pause that doubles each time; a time
 * limit inside the block is such a failure. When the coroutine is cancelled, it comes again at once.
 *
 * The block cannot be left with the `return` of a function around it, nor with `return@collect`: nobody could tell whether
 * the message is handled. The compiler says so.
 */
// Not inline: a block that is inlined could be left that way.
suspend fun <T> Message.handle(block: suspend (Message) -> T): T = use { message ->
    val result = try {
        block(message)
    } catch (failure: Throwable) {
        if (!message.settled()) {
            val interrupted = failure is CancellationException && !coroutineContext.isActive
            if (interrupted) message.release() else message.releaseAfterFailure()
        }
        throw failure
    }
    // The block is done with it, also when the coroutine is cancelled just now.
    if (!message.settled()) withContext(NonCancellable) { message.acknowledge() }
    result
}

/** Everything that happens from the moment it is collected, in order, until the node closes. */
fun Node.eventFlow(): Flow<Event> = flow {
    events().use { events ->
        while (events.wait()) events.take()?.let { emit(it) }
    }
}

/** Asks the node at a URL for a connection. */
suspend fun Node.connect(url: String): Peer = peers().use { it.connect(ConnectArgs(url)) }

/** Sends a message to one peer. [SendArgs] tells the options, and what holds without them. */
suspend fun Node.send(
    to: AgentId,
    content: String,
    metadata: Json? = null,
    expiresInSecs: Double? = null,
    hops: UInt? = null,
    inReplyTo: String? = null,
    timeoutSecs: Double? = null,
    idempotencyKey: String? = null,
    deadline: Timestamp? = null,
    budget: String? = null,
    traceparent: String? = null,
    tracestate: String? = null,
    causedBy: ULong? = null,
    spend: String? = null,
): Receipt = messages().use { messages ->
    val plain = SendArgs(
        to = listOf(to), content = content, budget = budget, causedBy = causedBy, deadline = deadline,
        expiresInSecs = expiresInSecs, idempotencyKey = idempotencyKey, inReplyTo = inReplyTo, metadata = metadata,
        spend = spend, traceparent = traceparent, tracestate = tracestate,
    )
    messages.send(plain.copy(hops = hops ?: plain.hops, timeoutSecs = timeoutSecs ?: plain.timeoutSecs))
}

/** Sends a message to one peer and waits for the answer to it. [AskArgs] tells the options. */
suspend fun Node.ask(
    to: AgentId,
    content: String,
    timeoutSecs: Double? = null,
    metadata: Json? = null,
    inReplyTo: String? = null,
    idempotencyKey: String? = null,
    deadline: Timestamp? = null,
    budget: String? = null,
    traceparent: String? = null,
    tracestate: String? = null,
    causedBy: ULong? = null,
    spend: String? = null,
): Message = messages().use { messages ->
    // A question always ends with an answer or an error.
    val question = AskArgs(
        to = to, content = content, budget = budget, causedBy = causedBy, deadline = deadline,
        idempotencyKey = idempotencyKey, inReplyTo = inReplyTo, metadata = metadata, spend = spend,
        timeoutSecs = timeoutSecs, traceparent = traceparent, tracestate = tracestate,
    )
    messages.ask(question).await()!!
}

/** What the other side is told when nobody reads on. */
private const val NOBODY_READS = "nobody waits for the answer any more"

/**
 * Asks one peer when it is collected, and gives the answer part by part as it is written. A peer that knows no streams gives
 * one part. Whoever stops before the end, or is cancelled, takes the question back. [AskArgs] tells the options.
 */
fun Node.askStream(
    to: AgentId,
    content: String,
    timeoutSecs: Double? = null,
    metadata: Json? = null,
    inReplyTo: String? = null,
    idempotencyKey: String? = null,
    deadline: Timestamp? = null,
    budget: String? = null,
    traceparent: String? = null,
    tracestate: String? = null,
    causedBy: ULong? = null,
    spend: String? = null,
): Flow<Part> = flow {
    val question = AskArgs(
        to = to, content = content, budget = budget, causedBy = causedBy, deadline = deadline,
        idempotencyKey = idempotencyKey, inReplyTo = inReplyTo, metadata = metadata, spend = spend,
        timeoutSecs = timeoutSecs, traceparent = traceparent, tracestate = tracestate,
    )
    messages().use { messages ->
        val stream = messages.askStream(question).streamId
        var next = 0uL
        var isOver = false
        try {
            while (true) {
                val part = try {
                    messages.nextPart(NextPartArgs(streamId = stream, number = next))
                } catch (failure: DmException) {
                    isOver = failure !is DmException.CancelledException
                    throw failure
                }
                if (part == null) {
                    isOver = true
                    return@use
                }
                next = part.number + 1uL
                emit(part)
            }
        } finally {
            if (!isOver) {
                withContext(NonCancellable) {
                    try {
                        messages.cancel(CancelArgs(messageId = stream, reason = NOBODY_READS))
                    } catch (_: DmException) {
                        // The node is closed, or the question is long over.
                    }
                }
            }
        }
    }
}

/** Answers [question] with the parts that [block] writes, whether the asker waits for parts or not, and sends the reply. */
suspend fun Node.answer(question: Message, block: suspend (write: suspend (String) -> WrittenPart) -> Unit): Receipt =
    messages().use { messages ->
        val (to, id) = question.from() to question.messageId()
        block { content -> messages.part(PartArgs(content = content, inReplyTo = id, to = to)) }
        messages.finish(FinishArgs(inReplyTo = id, to = to))
    }

/** Waits until the message came as far as [state]. The errors are those of `messages.until`; [node] sent the message. */
suspend fun Receipt.until(
    node: Node,
    state: DeliveryState = DeliveryState.HANDLED,
    timeoutSecs: Double? = null,
): Receipt = node.messages().use { it.until(UntilArgs(messageId = messageId, state = state, timeoutSecs = timeoutSecs)) }

/** The next message for the agent; null when none comes within [timeoutSecs]. [NextArgs] tells what the others choose. */
suspend fun Node.receive(
    timeoutSecs: Double? = null,
    from: List<AgentId> = emptyList(),
    inReplyTo: String? = null,
    kinds: List<MessageKind> = emptyList(),
): Message? = inbox(NextArgs(from, inReplyTo, kinds)).use { it.receive(timeoutSecs) }

/** What went wrong; null when the program itself cancelled the call. */
val DmException.details: Failure?
    get() = when (this) {
        is DmException.InternalException -> failure
        is DmException.InvalidInputException -> failure
        is DmException.ConfigException -> failure
        is DmException.IdentityException -> failure
        is DmException.StoreException -> failure
        is DmException.UnreachableException -> failure
        is DmException.TimeoutException -> failure
        is DmException.NotFoundException -> failure
        is DmException.RefusedException -> failure
        is DmException.LimitException -> failure
        is DmException.ClosedException -> failure
        is DmException.CancelledException -> null
    }

/** The stable reason; null when the program itself cancelled the call. */
val DmException.code: Code?
    get() = details?.code

/** A policy that leaves everything to the settings. Override what you decide. */
open class HostPolicy : Policy {
    override suspend fun admitConnection(question: ConnectionQuestion): ConnectionVerdict = ConnectionVerdict.Default

    override suspend fun admitMessage(question: MessageQuestion): MessageVerdict = MessageVerdict.Accept

    override suspend fun route(question: MessageQuestion): RouteVerdict = RouteVerdict.Default
}
