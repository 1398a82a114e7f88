// What does not compile. A test sees that the compiler refuses the lines that say why, and no others.
package dmagent.refused

import dmagent.*

/** A block is not left with the `return` of the function around it. */
suspend fun firstContent(bob: Node): String {
    bob.receive()!!.handle {
        return it.content() // refused: 'return' is prohibited here
    }
}

/** Nor with that of a block around it. */
suspend fun collected(bob: Node) = bob.inbox().messages().collect { message ->
    message.handle {
        if (it.content() == "spam") return@collect // refused: 'return' is prohibited here
    }
}

/** Nor with that of a loop. */
suspend fun looped(bob: Node) {
    while (true) {
        bob.receive()!!.handle {
            break // refused: 'break' or 'continue'
        }
    }
}

/** Its own return is an end like others. */
suspend fun ended(bob: Node) = bob.receive()!!.handle { return@handle }
