// Two agents in one process ask and answer: `TwoAgentsKt`.
package dmagent.examples.two

import dmagent.*
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.takeWhile
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

/** Answers questions until somebody says goodbye. */
suspend fun answer(node: Node) = node.inbox().messages().takeWhile { received ->
    received.handle { message ->
        val goOn = message.content() != "Goodbye"
        if (goOn) {
            println("bob is asked: ${message.content()}")
            message.reply("42")
        }
        goOn
    }
}.collect {}

suspend fun converse(alice: Node, bob: Node) = coroutineScope {
    launch { answer(bob) }
    val peer = alice.connect(bob.info().url)
    println("alice is ${peer.state.name.lowercase()}")

    alice.ask(peer.agentId, "What is the answer?").handle { println("alice hears: ${it.content()}") }

    val trusted = alice.trust().set(SetTrustArgs(peer.agentId, 0.8, note = "answers questions"))
    println("alice trusts bob: ${trusted.score}")
    alice.send(peer.agentId, "Goodbye")
}

fun main() = runBlocking {
    withNode(Settings(displayName = "alice", http = true), Preset.EPHEMERAL) { alice ->
        withNode(Settings(displayName = "bob", http = true), Preset.EPHEMERAL) { bob ->
            converse(alice, bob)
        }
    }
    Unit
}
