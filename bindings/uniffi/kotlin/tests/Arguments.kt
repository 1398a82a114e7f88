// What calls are given: options, and what is refused.
package dmagent.tests

import dmagent.*
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope

fun arguments(suite: Suite) = with(suite) {
    test("an answer has the options of a message") {
        pair { alice, bob ->
            val question = alice.send(bob.agentId(), "question", hops = 7u, timeoutSecs = 5.0, expiresInSecs = 60.0)
            bob.receive()!!.handle {
                same(it.hopsRemaining(), 7u)
                val metadata = """{"type": "answer"}"""
                it.reply("answer", metadata = metadata, expiresInSecs = 60.0, hops = 3u, timeoutSecs = 5.0)
            }
            alice.receive()!!.handle {
                same(it.content(), "answer")
                check(""""type":"answer"""" in it.metadata()) { it.metadata() }
                same(it.hopsRemaining(), 3u)
                same(it.inReplyTo(), question.messageId)
                it.reply("thanks")
            }
            // What is not said is as the core has it.
            bob.receive()!!.handle { same(it.hopsRemaining(), 10u) }
        }
    }
    test("an option of an answer is checked") {
        pair { alice, bob ->
            alice.send(bob.agentId(), "question")
            bob.receive()!!.handle { message ->
                val wrong = listOf<suspend () -> Any?>(
                    { message.reply("x", hops = 51u) },
                    { message.reply("x", expiresInSecs = 86_401.0) },
                    { message.reply("x", timeoutSecs = -1.0) },
                    { message.reply("x", metadata = "[]") },
                )
                val named = listOf("hops", "expires_in_secs", "timeout_secs", "metadata")
                for ((call, name) in wrong.zip(named)) {
                    val error = fails<DmException.InvalidInputException> { call() }
                    check(name in error.failure.message) { error.failure.message }
                }
            }
        }
    }
    test("the shortcuts have the options of their verbs") {
        pair { alice, bob ->
            val first = alice.send(bob.agentId(), "first").messageId
            alice.send(bob.agentId(), "second", inReplyTo = first)
            bob.receive(inReplyTo = first)!!.handle { same(it.content(), "second") }
            same(bob.receive(timeoutSecs = 0.0, from = listOf(bob.agentId())), null)
            same(bob.receive(timeoutSecs = 0.0, kinds = listOf(MessageKind.STRANGER)), null)
            val chosen = bob.receive(from = listOf(alice.agentId()), kinds = listOf(MessageKind.PEER))!!
            chosen.handle { same(it.content(), "first") }
            coroutineScope {
                val answer = async {
                    alice.ask(bob.agentId(), "?", metadata = """{"type":"riddle"}""", inReplyTo = first, timeoutSecs = 60.0)
                }
                bob.receive()!!.handle {
                    check(""""type":"riddle"""" in it.metadata()) { it.metadata() }
                    same(it.inReplyTo(), first)
                    it.reply("!")
                }
                answer.await().handle { same(it.content(), "!") }
            }
        }
    }
    test("a number that is not finite is refused by its name") {
        pair { alice, bob ->
            val to = bob.agentId()
            alice.send(to, "question")
            val message = bob.receive()!!
            for (number in listOf(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY)) {
                val calls = listOf<Pair<String, suspend () -> Any?>>(
                    "timeout_secs" to { alice.receive(number) },
                    "timeout_secs" to { alice.inbox(NextArgs(timeoutSecs = number)).receive() },
                    "timeout_secs" to { alice.messages().next(NextArgs(timeoutSecs = number)) },
                    "timeout_secs" to { alice.ask(to, "x", timeoutSecs = number) },
                    "timeout_secs" to { alice.send(to, "x", timeoutSecs = number) },
                    "expires_in_secs" to { alice.send(to, "x", expiresInSecs = number) },
                    "score" to { alice.trust().set(SetTrustArgs(to, number)) },
                    "delay_secs" to { alice.messages().release(ReleaseArgs(1u, number)) },
                    "timeout_secs" to { message.reply("x", timeoutSecs = number) },
                    "expires_in_secs" to { message.reply("x", expiresInSecs = number) },
                    "delay_secs" to { message.release(number) },
                )
                for ((name, call) in calls) {
                    val error = fails<DmException.InvalidInputException> { call() }
                    same(error.code, Code.INVALID_ARGUMENT)
                    check(error.failure.message.startsWith("$name must be")) { error.failure.message }
                }
            }
            message.handle {}
        }
    }
}
