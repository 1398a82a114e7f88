// What becomes of a message that is lent to a block.
package dmagent.tests

import dmagent.*
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield

fun lending(suite: Suite) = with(suite) {
    test("a block that is left with return@handle has handled the message") {
        pair { alice, bob ->
            listOf("spam", "work").forEach { alice.send(bob.agentId(), it) }
            val heard = bob.inbox().messages().take(2).toList().map { message ->
                message.handle {
                    if (it.content() == "spam") return@handle "nothing to do"
                    it.content()
                }
            }
            same(heard, listOf("nothing to do", "work"))
            same(bob.messages().list().filter { it.kind == MessageKind.PEER }, emptyList())
        }
    }
    test("a time limit inside the block is a failure, and one around it an interruption") {
        val inside = Noted()
        fails<TimeoutCancellationException> { inside.handle { withTimeout(1) { awaitCancellation() } } }
        same(inside.end, "releaseAfterFailure")
        val own = Noted()
        fails<CancellationException> { own.handle { throw CancellationException("the program's own") } }
        same(own.end, "releaseAfterFailure")
        val around = Noted()
        fails<TimeoutCancellationException> { withTimeout(1) { around.handle { awaitCancellation() } } }
        same(around.end, "release")
        val cancelled = Noted()
        coroutineScope {
            launch(start = CoroutineStart.UNDISPATCHED) { cancelled.handle { awaitCancellation() } }.cancelAndJoin()
        }
        same(cancelled.end, "release")
    }
    test("what the block has handled is acknowledged, also when the coroutine is cancelled meanwhile") {
        val handled = Noted()
        coroutineScope { launch { handled.handle { coroutineContext.cancel() } }.join() }
        same(handled.end, "acknowledge")
    }
}

/** A message of nobody that notes how it was settled. */
private class Noted : Message(NoHandle) {
    var end: String? = null

    override fun settled() = end != null

    override fun release(delaySecs: Double) = noted("release")

    override fun releaseAfterFailure() = noted("releaseAfterFailure")

    override suspend fun acknowledge(cancel: Cancel?): Boolean {
        // Here a coroutine that is cancelled ends.
        yield()
        return noted("acknowledge")
    }

    private fun noted(how: String) = true.also { end = how }
}
