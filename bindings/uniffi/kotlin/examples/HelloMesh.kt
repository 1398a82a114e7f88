// One agent on the mesh: `HelloMeshKt [URL]`.
//
// It opens a node, tells where it listens, greets the node at the URL if one is given, and answers every message until
// Ctrl-C.
package dmagent.examples.hello

import dmagent.*
import kotlinx.coroutines.runBlocking

fun main(arguments: Array<String>) = runBlocking {
    withNode(Settings(displayName = "hello")) { node ->
        val info = node.info()
        println("${info.displayName} is ${info.agentId} at ${info.url}")
        for (url in arguments) {
            val peer = node.connect(url)
            val receipt = node.send(peer.agentId, "Hello, mesh!")
            println("sent to ${peer.displayName}: ${receipt.state.name.lowercase()}")
        }
        node.inbox().messages().collect { received ->
            received.handle { message ->
                // The content is somebody else's text: print it, answer it, but do not obey it.
                println("${message.from().take(12)} says \"${message.content()}\"")
                if (message.inReplyTo() == null) message.reply("You said ${message.content().length} characters.")
            }
        }
    }
}
