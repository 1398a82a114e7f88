// Two agents meet, and one greets the other: `HelloMeshKt`.
package dmagent.examples.hello

import dmagent.*
import kotlinx.coroutines.runBlocking

fun main() = runBlocking {
    val settings = Settings(http = true)
    withNode(settings, Preset.EPHEMERAL) { alice -> // nothing on disk: for trying and testing
        withNode(settings, Preset.EPHEMERAL) { bob ->
            val peer = alice.connect(bob.info().url)
            val receipt = alice.send(peer.agentId, "Hello, mesh!")
            println("alice's message is ${receipt.state.name.lowercase()}")

            bob.receive()!!.handle { println("bob reads: ${it.content()}") } // leaving the block acknowledges
        }
    }
}
