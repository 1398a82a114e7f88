// An agent that decides for itself whom it talks to: `CustomPolicyKt`.
package dmagent.examples.policy

import dmagent.*
import kotlinx.coroutines.runBlocking

/**
 * Lets friends in, takes no advertisements, and does not disturb the agent with chatter.
 *
 * One that throws or takes too long means the safe answer: a connection waits for a decision, and a message stays with its
 * sender.
 */
class Doorkeeper(private val friends: Set<AgentId>) : HostPolicy() {
    // The id is proven; the name is whatever the other side likes.
    override suspend fun admitConnection(question: ConnectionQuestion) =
        if (question.agentId in friends) ConnectionVerdict.Accept else ConnectionVerdict.Refuse("I only talk to friends")

    override suspend fun admitMessage(question: MessageQuestion) =
        if ("buy now" in question.content.lowercase()) MessageVerdict.Refuse("No advertisements") else MessageVerdict.Accept

    override suspend fun route(question: MessageQuestion) =
        if (question.metadata == """{"type":"chatter"}""") RouteVerdict.Drop else RouteVerdict.Default
}

fun agent(name: String) = Settings(displayName = name, http = true)

suspend fun converse(alice: Node, mallory: Node, bob: Node) {
    bob.setPolicy(Doorkeeper(setOf(alice.agentId())))
    val url = bob.info().url
    try {
        mallory.connect(url)
    } catch (refused: DmException.RefusedException) {
        println("mallory is refused: ${refused.failure.name}")
    }
    val peer = alice.connect(url)
    println("alice is ${peer.state.name.lowercase()}")

    val advertisement = alice.send(peer.agentId, "Buy now!")
    println("the advertisement is ${advertisement.state.name.lowercase()}")
    alice.send(peer.agentId, "Nice weather", """{"type": "chatter"}""")
    alice.send(peer.agentId, "Your house is on fire")
    bob.receive()!!.handle { println("bob reads: ${it.content()}") }
}

fun main() = runBlocking {
    withNode(agent("alice"), Preset.EPHEMERAL) { alice ->
        withNode(agent("mallory"), Preset.EPHEMERAL) { mallory ->
            withNode(agent("bob"), Preset.EPHEMERAL) { bob -> converse(alice, mallory, bob) }
        }
    }
}
