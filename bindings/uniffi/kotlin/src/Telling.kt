// A policy or a listener that fails: the library hears of it at once, and the failure is told. The log has it, when an object of
// the program takes the log; otherwise it is printed to the error output.
package dmagent

import kotlin.coroutines.coroutineContext
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.isActive

/** What the library hears. It crosses as text, and a `Throwable` that is no `Exception` would not cross at all. */
private class Failed(private val what: String) : Exception(what) {
    override fun toString() = what
}

private suspend fun <T> told(subject: Any, name: String, body: suspend () -> T): T =
    try {
        body()
    } catch (failure: Throwable) {
        // The library waits no longer; that is no failure of the object.
        if (failure is CancellationException && !coroutineContext.isActive) throw failure
        if (!logIsTaken()) {
            System.err.println("dmagent: $name of ${subject.javaClass.name} failed:\n${failure.stackTraceToString()}")
        }
        // The bytes are sound text whatever the failure says.
        throw failure as? DmException ?: Failed(failure.toString().encodeToByteArray().decodeToString())
    }

/** Fails for text that cannot cross: what fails later, while it crosses, nobody would hear of. */
private fun sound(vararg texts: String) = texts.forEach { text ->
    require(Charsets.UTF_8.newEncoder().canEncode(text)) { "the verdict has text that is not sound: a lone surrogate" }
}

/** The policy of the program. */
internal class AskedPolicy(private val policy: Policy) : Policy {
    override suspend fun admitConnection(question: ConnectionQuestion): ConnectionVerdict =
        told(policy, "admitConnection") {
            policy.admitConnection(question).also { if (it is ConnectionVerdict.Refuse) sound(it.reason) }
        }

    override suspend fun admitMessage(question: MessageQuestion): MessageVerdict =
        told(policy, "admitMessage") {
            policy.admitMessage(question).also { if (it is MessageVerdict.Refuse) sound(it.reason) }
        }

    override suspend fun route(question: MessageQuestion): RouteVerdict =
        told(policy, "route") {
            policy.route(question).also { if (it is RouteVerdict.Forward) sound(*it.to.toTypedArray()) }
        }
}

/** A listener of the program for messages. */
internal class HeardMessages(private val listener: MessageListener) : MessageListener {
    override suspend fun onMessage(message: Message) = told(listener, "onMessage") { listener.onMessage(message) }
}

/** A listener of the program for events. */
internal class HeardEvents(private val listener: EventListener) : EventListener {
    override suspend fun onEvent(event: Event) = told(listener, "onEvent") { listener.onEvent(event) }
}
