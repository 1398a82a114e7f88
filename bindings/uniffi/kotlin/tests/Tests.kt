// What the binding does in Kotlin. `main` runs all tests, or those whose name contains its argument.
package dmagent.tests

import dmagent.*
import java.io.ByteArrayOutputStream
import java.io.PrintStream
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlin.system.exitProcess
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield

fun main(arguments: Array<String>) {
    val suite = Suite(arguments.firstOrNull())
    conversation(suite)
    lending(suite)
    listeners(suite)
    arguments(suite)
    errors(suite)
    cancellation(suite)
    decisions(suite)
    closing(suite)
    objects(suite)
    processes(suite)
    exitProcess(suite.end())
}

/** A node that keeps nothing and listens at a port that the system chose. */
fun settings(name: String) = Settings(displayName = name, http = true)

/** Two nodes that are connected, each with the id of the other. */
suspend fun <T> pair(block: suspend (Node, Node) -> T): T =
    withNode(settings("alice"), Preset.EPHEMERAL) { alice ->
        withNode(settings("bob"), Preset.EPHEMERAL) { bob ->
            alice.connect(bob.info().url)
            block(alice, bob)
        }
    }

fun conversation(suite: Suite) = with(suite) {
    test("a message arrives and is answered") {
        pair { alice, bob ->
            val receipt = alice.send(bob.agentId(), "hello", """{"type": "greeting"}""")
            same(receipt.state, DeliveryState.ACCEPTED)
            bob.receive()!!.handle { message ->
                same(message.from(), alice.agentId())
                same(message.content(), "hello")
                same(message.metadata(), """{"type":"greeting"}""")
                same(message.record().content, "hello")
                same(message.reply("hello yourself").state, DeliveryState.ACCEPTED)
            }
            alice.receive()!!.handle { answer -> same(answer.inReplyTo(), receipt.messageId) }
            same(bob.messages().list().filter { it.kind == MessageKind.PEER }, emptyList())
        }
    }
    test("a question waits for its answer") {
        pair { alice, bob ->
            coroutineScope {
                val answer = async { alice.ask(bob.agentId(), "What is the answer?") }
                bob.receive()!!.handle { it.reply("42") }
                answer.await().handle { same(it.content(), "42") }
            }
        }
    }
    test("every noun is there") {
        pair { alice, bob ->
            same(alice.peers().get(AgentArgs(bob.agentId())).state, PeerState.CONNECTED)
            same(alice.trust().set(SetTrustArgs(bob.agentId(), 0.5, "kind")).score, 0.5)
            same(alice.trust().get(AgentArgs(bob.agentId()))!!.note, "kind")
            alice.trust().forget(AgentArgs(bob.agentId()))
            same(alice.trust().get(AgentArgs(bob.agentId())), null)
            same(alice.discovery().list(), emptyList())
            val signed = alice.passport().sign(SignArgs("text"))
            val claim = VerifyArgs(agent = alice.agentId(), data = "text", signature = signed.signature)
            check(bob.passport().verify(claim))
            same(alice.update(UpdateArgs(bio = "a test")).bio, "a test")
            check(alice.call("peers.list", "{}").startsWith("[{"))
        }
    }
    test("messages come as a flow, and what fails comes again") {
        pair { alice, bob ->
            val contents = listOf("one", "two", "three")
            contents.forEach { alice.send(bob.agentId(), it) }
            val heard = mutableListOf<String>()
            bob.inbox().messages().take(3).collect { message -> message.handle { heard += it.content() } }
            same(heard, contents)
            alice.send(bob.agentId(), "again")
            val first = bob.receive()!!
            fails<IllegalStateException> { first.handle { error("no") } }
            val second = bob.receive()!!
            same(second.content(), "again")
            same(second.redeliveries(), 1u)
            second.handle {}
        }
    }
    test("events come as a flow") {
        pair { alice, bob ->
            coroutineScope {
                val event = async(start = CoroutineStart.UNDISPATCHED) {
                    bob.eventFlow().first { it is Event.MessageReceived && it.kind == MessageKind.PEER }
                        as Event.MessageReceived
                }
                val receipt = alice.send(bob.agentId(), "hello")
                same(event.await().messageId, receipt.messageId)
                same(event.await().from, alice.agentId())
            }
        }
    }
}

fun errors(suite: Suite) = with(suite) {
    test("an error has a kind, a code and facts") {
        withNode(settings("alice"), Preset.EPHEMERAL) { alice ->
            val stranger = "ab".repeat(32)
            val unknown = fails<DmException.NotFoundException> { alice.peers().get(AgentArgs(stranger)) }
            same(unknown.code, Code.PEER_NOT_CONNECTED)
            same(unknown.failure.name, "peer_not_connected")
            same(unknown.failure.number, Code.PEER_NOT_CONNECTED.value)
            same(unknown.failure.retryable, false)
            val verb = fails<DmException.InvalidInputException> { alice.call("no.such", "{}") }
            same(verb.code, Code.UNKNOWN_VERB)
            same(verb.failure.context["verb"], "no.such")
            val json = fails<DmException.InvalidInputException> { alice.send(stranger, "x", "no JSON") }
            same(json.code, Code.INVALID_ARGUMENT)
        }
    }
    test("a wrong setting is named") {
        val error = fails<DmException.ConfigException> { Node.withJson("""{"host": "nowhere"}""", Preset.EPHEMERAL) }
        same(error.code, Code.CONFIG_INVALID)
    }
    test("a node that is not open or closed says so") {
        val node = Node(settings("alice"), Preset.EPHEMERAL)
        same(fails<DmException.ClosedException> { node.info() }.code, Code.CLOSED)
        node.open()
        node.open()
        check(!node.closed())
        node.shutdown()
        node.shutdown()
        check(node.closed())
        same(fails<DmException.ClosedException> { node.receive() }.code, Code.CLOSED)
        same(fails<DmException.ClosedException> { node.open() }.code, Code.CLOSED)
    }
}

fun cancellation(suite: Suite) = with(suite) {
    test("a cancelled coroutine takes no message with it") {
        pair { alice, bob ->
            coroutineScope {
                repeat(50) { number ->
                    // Cancelled around the moment at which the message comes.
                    val waiting = launch(Dispatchers.Default) {
                        bob.receive()?.use { it.release() }
                    }
                    alice.send(bob.agentId(), "$number")
                    waiting.cancel()
                    waiting.join()
                    bob.receive()!!.handle { same(it.content(), "$number") }
                }
            }
        }
    }
    test("a cancelled coroutine frees its place in the library") {
        withNode(settings("alice"), Preset.EPHEMERAL) { alice ->
            coroutineScope {
                val waiting = launch { alice.receive() }
                yield()
                waiting.cancel()
                waiting.join()
            }
            same(alice.receive(timeoutSecs = 0.0), null)
        }
    }
    test("a call is given up with a Cancel") {
        withNode(settings("alice"), Preset.EPHEMERAL) { alice ->
            val cancel = Cancel()
            cancel.cancel()
            fails<DmException.CancelledException> { alice.peers().list(cancel) }
            check(cancel.isCancelled())
            same(alice.peers().list(), emptyList())
        }
    }
    test("cancel ends whoever waits") {
        withNode(settings("alice"), Preset.EPHEMERAL) { alice ->
            coroutineScope {
                val handout = alice.inbox().next()
                val events = alice.events()
                val waiting = async { fails<DmException.CancelledException> { handout.wait() } }
                val listening = async { fails<DmException.CancelledException> { events.wait() } }
                yield()
                handout.cancel()
                events.cancel()
                waiting.await()
                listening.await()
                fails<DmException.CancelledException> { handout.take() }
            }
        }
    }
    for ((way, end) in listOf<Pair<String, suspend (Node) -> Unit>>(
        "close" to { it.close() },
        "use" to { node -> node.use {} },
        "shutdown" to { it.shutdown() },
    )) {
        test("$way ends whoever waits") {
            val node = Node.withJson("""{"http": true}""", Preset.EPHEMERAL)
            node.open()
            coroutineScope {
                val calls = listOf<suspend () -> Any?>(
                    { node.receive() },
                    { node.call("messages.next", "{}") },
                    { node.inbox().messages().toList() },
                    { node.eventFlow().toList() },
                )
                val waiting = calls.map { call ->
                    async(start = CoroutineStart.UNDISPATCHED) { runCatching { call() }.exceptionOrNull() }
                }
                end(node)
                val ends = waiting.map { it.await() }
                // Flows end without an error.
                same(ends.map { (it as DmException?)?.code }, listOf(Code.CLOSED, Code.CLOSED, null, null))
            }
        }
    }
    test("withNode ends whoever waits") {
        coroutineScope {
            val waiting = withNode(settings("alice"), Preset.EPHEMERAL) { alice ->
                async(start = CoroutineStart.UNDISPATCHED) { fails<DmException.ClosedException> { alice.receive() } }
            }
            waiting.await()
        }
    }
}

fun decisions(suite: Suite) = with(suite) {
    suspend fun guarded(policy: Policy, block: suspend (Node, Node) -> Unit) =
        withNode(settings("alice"), Preset.EPHEMERAL) { alice ->
            withNode(settings("bob").copy(policyTimeoutMs = 500u), Preset.EPHEMERAL) { bob ->
                bob.setPolicy(policy)
                block(alice, bob)
            }
        }
    test("a policy admits, refuses and routes") {
        val policy = object : HostPolicy() {
            override suspend fun admitMessage(question: MessageQuestion) =
                if ("buy" in question.content) MessageVerdict.Refuse("no advertisements") else MessageVerdict.Accept

            override suspend fun route(question: MessageQuestion) =
                if ("chatter" in question.metadata) RouteVerdict.Drop else RouteVerdict.Keep
        }
        guarded(policy) { alice, bob ->
            alice.connect(bob.info().url)
            same(alice.send(bob.agentId(), "buy this").state, DeliveryState.REFUSED)
            same(alice.send(bob.agentId(), "weather", """{"type":"chatter"}""").state, DeliveryState.REFUSED)
            same(alice.send(bob.agentId(), "fire").state, DeliveryState.ACCEPTED)
            bob.receive()!!.handle { same(it.content(), "fire") }
            bob.setPolicy(null)
            same(alice.send(bob.agentId(), "buy that").state, DeliveryState.ACCEPTED)
        }
    }
    test("a policy refuses a connection") {
        val policy = object : HostPolicy() {
            override suspend fun admitConnection(question: ConnectionQuestion) = ConnectionVerdict.Refuse("no")
        }
        guarded(policy) { alice, bob ->
            same(fails<DmException.RefusedException> { alice.connect(bob.info().url) }.code, Code.PEER_REFUSED)
        }
    }
    test("a policy that fails or is late means the safe answer") {
        val ended = CompletableDeferred<Unit>()
        val policy = object : HostPolicy() {
            override suspend fun admitConnection(question: ConnectionQuestion): ConnectionVerdict {
                if (question.displayName == "alice") error("no idea")
                try {
                    CompletableDeferred<Unit>().await()
                } catch (late: CancellationException) {
                    ended.complete(Unit)
                    throw late
                }
                return ConnectionVerdict.Accept
            }
        }
        guarded(policy) { alice, bob ->
            same(alice.connect(bob.info().url).state, PeerState.PENDING)
            withNode(settings("carol"), Preset.EPHEMERAL) { carol ->
                same(carol.connect(bob.info().url).state, PeerState.PENDING)
                // The library gave up, and the coroutine heard of it.
                ended.await()
            }
            same(bob.peers().pending().size, 2)
        }
    }
    test("a policy that fails answers at once and is told of") {
        val answers = listOf<suspend () -> ConnectionVerdict>(
            { error("boo") },
            { throw AssertionError("boo") },
            { error("boo \uD800") },
            { ConnectionVerdict.Refuse("\uD800") },
            { throw CancellationException("boo") },
        )
        for (answer in answers) {
            val policy = object : HostPolicy() {
                override suspend fun admitConnection(question: ConnectionQuestion) = answer()
            }
            val said = printed {
                withNode(settings("alice"), Preset.EPHEMERAL) { alice ->
                    // The library would wait longer than a test may take.
                    withNode(settings("bob").copy(policyTimeoutMs = 600_000u), Preset.EPHEMERAL) { bob ->
                        bob.setPolicy(policy)
                        same(alice.connect(bob.info().url).state, PeerState.PENDING)
                    }
                }
            }
            check("admitConnection" in said && ("boo" in said || "not sound" in said)) { said }
        }
    }
    test("a policy that fails is told of in the log where that is taken") {
        val lines = Channel<String>(Channel.UNLIMITED)
        setLog(LogLevel.ERROR, object : LogSink {
            override fun take(level: LogLevel, target: String, text: String) {
                lines.trySend(text)
            }
        })
        val policy = object : HostPolicy() {
            override suspend fun admitConnection(question: ConnectionQuestion) = throw AssertionError("boo")
        }
        try {
            val said = printed { guarded(policy) { alice, bob -> alice.connect(bob.info().url) } }
            same(said, "")
            val line = lines.receive()
            check("admit_connection" in line && "boo" in line) { line }
        } finally {
            setLog(LogLevel.ERROR, null)
        }
    }
}

/** What is printed to the error output meanwhile. */
suspend fun printed(body: suspend () -> Unit): String {
    val former = System.err
    val said = ByteArrayOutputStream()
    System.setErr(PrintStream(said, true))
    try {
        body()
    } finally {
        System.setErr(former)
    }
    return said.toString()
}

fun objects(suite: Suite) = with(suite) {
    test("a message closed by its scope comes again") {
        pair { alice, bob ->
            alice.send(bob.agentId(), "hello")
            bob.receive()!!.use { same(it.redeliveries(), 0u) }
            bob.receive()!!.handle { same(it.redeliveries(), 1u) }
        }
    }
    test("a message that nobody has any more comes again") {
        pair { alice, bob ->
            alice.send(bob.agentId(), "hello")
            // Elsewhere: a frame of this thread might still refer to the message.
            withContext(Dispatchers.Default) { lose(bob) }
            val again = bob.inbox().next()
            coroutineScope {
                val waiting = async(Dispatchers.Default) { again.await()!! }
                while (!waiting.isCompleted) {
                    System.gc()
                    delay(10)
                }
                waiting.await().handle { same(it.redeliveries(), 1u) }
            }
        }
    }
    test("a node that nobody has any more ends") {
        ends(withContext(Dispatchers.Default) { forgottenNode {} })
    }
    test("a closed object is not used") {
        withNode(settings("alice"), Preset.EPHEMERAL) { alice ->
            val peers = alice.peers()
            peers.close()
            peers.close()
            fails<IllegalStateException> { peers.list() }
        }
    }
}

/** Takes a message and forgets it. */
private suspend fun lose(node: Node) {
    same(node.receive()!!.content(), "hello")
}

/** Collects garbage until nobody answers at a URL. */
suspend fun ends(url: String) = withNode(settings("alice"), Preset.EPHEMERAL) { alice ->
    while (true) {
        System.gc()
        try {
            alice.connect(url)
        } catch (gone: DmException.UnreachableException) {
            break
        } catch (going: DmException.RefusedException) {
            // It is about to end and accepts nobody any more.
            same(going.code, Code.INACTIVE)
        }
        delay(10)
    }
}

/** The URL of a node that nobody has any more. */
suspend fun forgottenNode(use: (Node) -> Unit): String {
    val node = Node(settings("forgotten"), Preset.EPHEMERAL)
    node.open()
    use(node)
    return node.info().url
}

fun processes(suite: Suite) = with(suite) {
    test("threads share a node") {
        pair { alice, bob ->
            val peer = bob.agentId()
            val threads = List(8) { number ->
                thread { runBlocking { repeat(10) { alice.send(peer, "$number.$it") } } }
            }
            val heard = mutableSetOf<String>()
            repeat(80) { bob.receive()!!.handle { heard += it.content() } }
            threads.forEach { it.join() }
            same(heard.size, 80)
        }
    }
    test("a program that ends without closing ends well") {
        repeat(12) { number ->
            val mode = listOf("end", "exit", "waiting")[number % 3]
            same(shown("dmagent.tests.EndingKt", mode), listOf("done"))
        }
    }
}

/** A main class as a program of its own. */
private fun program(main: String, vararg arguments: String): ProcessBuilder = ProcessBuilder(
    ProcessHandle.current().info().command().get(), "-cp", System.getProperty("java.class.path"),
    "-Djna.library.path=${System.getProperty("jna.library.path")}", main, *arguments,
).redirectErrorStream(true)

/** What a program prints that ends well. */
private fun shown(main: String, vararg arguments: String): List<String> {
    val process = program(main, *arguments).start()
    val said = process.inputStream.bufferedReader().readLines()
    check(process.waitFor(30, TimeUnit.SECONDS)) { "it did not end: $said" }
    check(process.exitValue() == 0) { "status ${process.exitValue()}: ${said.joinToString("\n")}" }
    return said
}
