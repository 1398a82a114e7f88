// The benchmark of the languages, in Kotlin. See `core/benches/language/README.md`.
package dmagent.benches

import dmagent.*
import java.time.Instant
import java.nio.file.Files
import java.nio.file.Path
import kotlin.concurrent.thread
import kotlin.system.exitProcess
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

/** How many messages of a pair are under way. */
private const val AT_ONCE = 32
private const val SIZE = 256

/** Nanoseconds since 1970. */
private fun moment(): Long = Instant.now().let { it.epochSecond * 1_000_000_000 + it.nano }

private suspend fun onDisk(folder: String, durability: String): Node {
    val node = Node.withJson("""{"project_dir": "$folder", "durability": "$durability", "limits": {"peer": null}}""")
    node.open()
    return node
}

private suspend fun receive(node: Node) {
    println(node.info().url)
    val ending = thread {
        System.`in`.readAllBytes()
        runBlocking { node.shutdown() }
    }
    node.inbox().messages().collect { received ->
        var waited = 0L
        received.handle { waited = moment() - it.content().trim().toLong() }
        println(waited)
    }
    ending.join()
}

private suspend fun send(node: Node, url: String) {
    val peer = node.connect(url).agentId
    for (line in generateSequence(::readLine)) node.send(peer, "${moment()}".padEnd(SIZE))
    node.shutdown()
}

private suspend fun pair(count: Int) = kotlinx.coroutines.coroutineScope {
    suspend fun quiet(): Node {
        val node = Node.withJson("""{"http": false, "memory": true, "limits": {"peer": null}}""", Preset.EPHEMERAL)
        node.open()
        return node
    }
    val (sender, receiver) = listOf(quiet(), quiet())
    val peer = sender.connect(receiver.info().url).agentId
    val handled = List(AT_ONCE) { Channel<Unit>(1) }
    val began = System.nanoTime()
    val sending = List(AT_ONCE) { worker ->
        launch {
            repeat(count / AT_ONCE + if (worker < count % AT_ONCE) 1 else 0) {
                sender.send(peer, "$worker".padEnd(SIZE))
                handled[worker].receive()
            }
        }
    }
    val inbox = receiver.inbox()
    var early = 0L
    for (number in 1..count) {
        val worker = inbox.receive()!!.handle { it.content().trim().toInt() }
        handled[worker].send(Unit)
        if (number == (count + 9) / 10) early = residentKib()
    }
    val rate = count * 1e9 / (System.nanoTime() - began)
    sending.forEach { it.join() }
    println("${rate.toLong()} $early ${residentKib()}")
    sender.shutdown()
    receiver.shutdown()
}

/** How much memory this process has in use. Linux only. */
private fun residentKib(): Long =
    Files.readAllLines(Path.of("/proc/self/status")).first { it.startsWith("VmRSS:") }.filter(Char::isDigit).toLong()

fun main(words: Array<String>) {
    runBlocking(Dispatchers.Default) {
        when {
            words.size == 3 && words[0] == "receive" -> receive(onDisk(words[1], words[2]))
            words.size == 4 && words[0] == "send" -> send(onDisk(words[1], words[2]), words[3])
            words.size == 2 && words[0] == "pair" -> pair(words[1].toInt())
            else -> error("receive FOLDER DURABILITY, send FOLDER DURABILITY URL, or pair COUNT")
        }
    }
    exitProcess(0)
}
