// Objects that hear messages and events, and how long.
package dmagent.tests

import dmagent.*
import java.lang.ref.WeakReference
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.withContext

fun listeners(suite: Suite) = with(suite) {
    test("listeners hear messages and events until they are cancelled") {
        pair { alice, bob ->
            val messages = Channel<String>(Channel.UNLIMITED)
            val events = Channel<Event>(Channel.UNLIMITED)
            val listening = bob.onMessage(object : MessageListener {
                override suspend fun onMessage(message: Message) = message.use { messages.send(it.content()) }
            })
            val observing = bob.onEvent(object : EventListener {
                override suspend fun onEvent(event: Event) = events.send(event)
            })
            alice.send(bob.agentId(), "heard")
            same(messages.receive(), "heard")
            while (events.receive() !is Event.MessageReceived) continue
            listening.use { it.cancel() }
            observing.use { it.cancel() }
            alice.send(bob.agentId(), "for the inbox")
            bob.receive()!!.handle { same(it.content(), "for the inbox") }
        }
    }
    test("a node holds its listeners") {
        pair { alice, bob ->
            val messages = Channel<String>(Channel.UNLIMITED)
            val events = Channel<Event>(Channel.UNLIMITED)
            val forgotten = withContext(Dispatchers.Default) { listenAndForget(bob, messages, events) }
            while (forgotten.any { it.get() != null }) System.gc()
            repeat(20) { number ->
                // What was collected is let go of in a thread of its own, some time later.
                System.gc()
                alice.send(bob.agentId(), "$number")
                same(messages.receive(), "$number")
                while (events.receive() !is Event.MessageReceived) continue
            }
        }
    }
    test("listeners alone keep no node") {
        val url = withContext(Dispatchers.Default) {
            forgottenNode { listenAndForget(it, Channel(Channel.UNLIMITED), Channel(Channel.UNLIMITED)) }
        }
        ends(url)
    }
    test("a listener that fails is told of") {
        val said = printed {
            pair { alice, bob ->
                val heard = Channel<UInt>(Channel.UNLIMITED)
                val listening = bob.onMessage(object : MessageListener {
                    override suspend fun onMessage(message: Message) {
                        val times = message.redeliveries()
                        heard.send(times)
                        if (times == 0u) throw AssertionError("boo")
                    }
                })
                alice.send(bob.agentId(), "hello")
                same(listOf(heard.receive(), heard.receive()), listOf(0u, 1u))
                listening.use { it.cancel() }
            }
        }
        check("onMessage" in said && "boo" in said) { said }
    }
}

/** Lets both listen, and lets go of what they could be cancelled with. */
private fun listenAndForget(node: Node, messages: Channel<String>, events: Channel<Event>): List<WeakReference<Listening>> =
    listOf(
        node.onMessage(object : MessageListener {
            override suspend fun onMessage(message: Message) = message.use { messages.send(it.content()) }
        }),
        node.onEvent(object : EventListener {
            override suspend fun onEvent(event: Event) = events.send(event)
        }),
    ).map(::WeakReference)
