// A program that ends in the middle of things, for the test of that.
package dmagent.tests

import dmagent.*
import kotlin.concurrent.thread
import kotlin.system.exitProcess
import kotlinx.coroutines.runBlocking

fun main(arguments: Array<String>) {
    val nodes = runBlocking {
        listOf("alice", "bob").map { name -> Node(settings(name), Preset.EPHEMERAL).also { it.open() } }
    }
    runBlocking {
        nodes[0].connect(nodes[1].info().url)
        nodes[0].send(nodes[1].agentId(), "hello")
    }
    if (arguments[0] == "waiting") {
        // The first message is there; the second never comes.
        thread(isDaemon = true) { runBlocking { while (true) nodes[1].receive() } }
        thread(isDaemon = true) { runBlocking { nodes[1].events().wait() } }
    }
    println("done")
    if (arguments[0] == "exit") exitProcess(0)
}
