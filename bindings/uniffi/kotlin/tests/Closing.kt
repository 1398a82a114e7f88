// The end of a node, and calls beside it.
package dmagent.tests

import dmagent.*
import java.nio.file.Files
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope

fun closing(suite: Suite) = with(suite) {
    test("shutdown waits for what close began") {
        val folder = Files.createTempDirectory("dmagent")
        try {
            repeat(5) {
                // The folder is free.
                val node = Node(Settings(projectDir = folder.toString()))
                node.open()
                node.close()
                node.close()
                node.shutdown()
                node.shutdown()
            }
        } finally {
            folder.toFile().deleteRecursively()
        }
    }
    test("whoever calls a node that was closed hears it") {
        val node = Node(settings("alice"), Preset.EPHEMERAL)
        node.open()
        val (peers, inbox) = node.peers() to node.inbox()
        node.close()
        check(node.closed())
        val calls = listOf<suspend () -> Any?>(
            { node.info() },
            { node.update(UpdateArgs(bio = "late")) },
            { node.call("node.info", "{}") },
            { node.receive() },
            { node.send("ab".repeat(32), "late") },
            { node.ask("ab".repeat(32), "late") },
            { node.connect("http://127.0.0.1:1") },
            { node.open() },
            { node.trust().get(AgentArgs("ab".repeat(32))) },
            { peers.list() },
            { inbox.receive() },
        )
        for (call in calls) same(fails<DmException.ClosedException> { call() }.code, Code.CLOSED)
        node.shutdown()
        node.use {}
        for (call in calls) same(fails<DmException.ClosedException> { call() }.code, Code.CLOSED)
    }
    test("calls beside close end with closed") {
        repeat(20) {
            val node = Node(settings("alice"), Preset.EPHEMERAL)
            node.open()
            val calls = listOf<suspend () -> Any?>(
                { node.info() },
                { node.peers().list() },
                { node.receive(timeoutSecs = 0.0) },
                { node.trust().get(AgentArgs("ab".repeat(32))) },
                { node.call("peers.list", "{}") },
            )
            coroutineScope {
                val ends = calls.map { call ->
                    async(Dispatchers.Default, CoroutineStart.UNDISPATCHED) {
                        fails<DmException.ClosedException> { while (true) call() }.code
                    }
                }
                val shutdowns = List(2) { async(Dispatchers.Default) { node.shutdown() } }
                val closes = List(2) { async(Dispatchers.Default) { node.close() } }
                same(ends.awaitAll().toSet(), setOf<Code?>(Code.CLOSED))
                (shutdowns + closes).awaitAll()
            }
        }
    }
}
