// The node of programs: the generated one, which closes for everybody who waits and hears what fails in the program's own code.
package dmagent

import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.launch

/**
 * An agent's place on the mesh. Make it, open it, close it: [shutdown] waits until everything is done, [close] does not wait.
 * When nobody has the object any more the node ends at once; what it accepted is on disk.
 */
class Node : BareNode {
    /** A node that is not open yet. The environment, where the preset wants it, is read now. */
    constructor(settings: Settings? = null, preset: Preset? = null) : super(settings, preset)

    internal constructor(handle: Long) : super(UniffiWithHandle, handle)

    /**
     * Begins to close the node: every call that waits, here or at an object of this node, ends with `closed`, and so does
     * every call that comes later. What is under way is finished in the background; [shutdown] waits for that.
     */
    override fun close() = super.close()

    /** The same as [close]. */
    @OptIn(DelicateCoroutinesApi::class)
    override fun destroy() {
        // Once begun it goes through, and it begins before this returns.
        GlobalScope.launch(start = CoroutineStart.UNDISPATCHED) {
            try {
                shutdown()
            } catch (_: Exception) {
                // Whoever wants to hear of it calls `shutdown`.
            }
        }
        // The library's node, which is closed, goes with this object: a call would find nobody to tell it what `closed` is.
    }

    override fun setPolicy(policy: Policy?) = super.setPolicy(policy?.let(::AskedPolicy))

    override fun onMessage(listener: MessageListener, filter: NextArgs?): Listening =
        super.onMessage(HeardMessages(listener), filter)

    override fun onEvent(listener: EventListener): Listening = super.onEvent(HeardEvents(listener))

    companion object {
        /** The same as the constructor, with the settings as a JSON object: there null can be said, too. */
        fun withJson(settings: String, preset: Preset? = null): Node = BareNode.withJson(settings, preset)

        /** A node with the behaviour of the product page, as the `DARKMATTER_*` variables say. */
        fun fromEnv(): Node = BareNode.fromEnv()
    }
}

/** What the generated constructors by name return: uniffi writes the name there that the node has before it is renamed. */
internal object FfiConverterTypeNode {
    fun lift(handle: Long) = Node(handle)
}
