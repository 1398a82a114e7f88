// The host of the scenarios for Kotlin; `core/tests/scenarios/README.md` has its protocol.
//
// It reads commands as JSON lines, carries one node, and ends with its standard input. Verbs are found by reflection, so that
// it need not name each of them and its record.
package dmagent.scenarios

import dmagent.*
import java.util.concurrent.ConcurrentHashMap
import kotlin.reflect.KClass
import kotlin.reflect.KType
import kotlin.reflect.full.callSuspend
import kotlin.reflect.full.functions
import kotlin.reflect.full.memberProperties
import kotlin.reflect.full.primaryConstructor
import kotlin.system.exitProcess
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

/** Members whose text is JSON. */
private val JSON_TEXT = setOf("metadata", "capabilities", "wallets", "match")
private var node: Node? = null
/** Messages that nobody has handled yet, by their place in the inbox. */
private val held = ConcurrentHashMap<String, Message>()

private fun snake(name: String) = name.replace(Regex("(?<=[a-z0-9])[A-Z]")) { "_" + it.value }.lowercase()
private fun camel(name: String) = name.replace(Regex("_([a-z])")) { it.groupValues[1].uppercase() }

private fun say(vararg members: Pair<String, Any?>) = synchronized(held) { println(written(mapOf(*members))) }

/** A value as the schema has it. */
private fun plain(value: Any?): Any? = when (value) {
    null, is Unit -> null
    is String, is Boolean -> value
    is Number, is UShort, is UInt, is ULong -> Written("$value")
    is Enum<*> -> snake(value.name)
    is List<*> -> value.map(::plain)
    is Event -> mapOf("type" to snake(value::class.simpleName!!)) + members(value)
    else -> members(value)
}

private fun members(record: Any): Map<String, Any?> = record::class.memberProperties.associate { member ->
    val value = member.getter.call(record)
    snake(member.name) to if (member.name in JSON_TEXT) Written(value as String) else plain(value)
}

/** A value for a parameter of this type. */
private fun given(value: Any?, type: KType): Any? {
    val kind = type.classifier as KClass<*>
    return when {
        value == null -> null
        kind == List::class -> (value as? List<*> ?: listOf(value)).map { given(it, type.arguments[0].type!!) }
        kind == String::class -> value as? String ?: written(value)
        kind == Double::class -> written(value).toDouble()
        kind == UInt::class -> written(value).toUInt()
        kind == ULong::class -> written(value).toULong()
        kind == Long::class -> written(value).toLong()
        kind.java.isEnum -> kind.java.enumConstants.first { snake("$it") == value }
        value is Map<*, *> -> record(kind, value.mapKeys { "${it.key}" })
        else -> value
    }
}

/** The verb as a user of Kotlin calls it. */
private suspend fun call(verb: String, members: Map<String, Any?>): Any? {
    val settled = verb == "messages.acknowledge" || verb == "messages.release"
    val message = if (settled) held.remove(written(members["sequence"])) else null
    if (message != null) {
        return message.use {
            if (verb == "messages.acknowledge") it.acknowledge()
            else it.release(members["delay_secs"]?.let { delay -> written(delay).toDouble() } ?: 0.0)
        }
    }
    val (noun, name) = verb.split('.')
    val on: Any = if (noun == "node") node!! else Node::class.functions.first { it.name == noun }.call(node)!!
    val method = on::class.functions.first { it.name == camel(name) }
    // Its record, if it takes one, and for those that do not hand out a message a `Cancel`.
    val arguments = method.parameters.drop(1).map { parameter ->
        val kind = parameter.type.classifier as KClass<*>
        if (kind == Cancel::class) null else record(kind, members)
    }
    val result = if (method.isSuspend) method.callSuspend(on, *arguments.toTypedArray()) else method.call(on, *arguments.toTypedArray())
    if (result !is Handout) return plain(result)
    val taken = result.await() ?: return null
    held["${taken.sequence()}"] = taken
    return plain(taken.record())
}

private fun record(kind: KClass<*>, members: Map<String, Any?>): Any {
    val constructor = kind.primaryConstructor!!
    val named = constructor.parameters.associateBy { it.name }
    return constructor.callBy(members.entries.associate { (name, value) ->
        val parameter = requireNotNull(named[camel(name)]) { "${kind.simpleName} has no $name" }
        parameter to given(value, parameter.type)
    })
}

private suspend fun open(settings: Any?): Any? {
    val fresh = Node.withJson(written(settings))
    fresh.open()
    held.clear()
    node = fresh
    return mapOf("agent_id" to fresh.agentId(), "url" to fresh.info().url, "token" to fresh.localToken())
}

/** Calls of a node that was closed go there; before the first there is none. */
private suspend fun done(command: Map<*, *>): Any? {
    @Suppress("UNCHECKED_CAST")
    val members = command["with"] as? Map<String, Any?> ?: emptyMap()
    return when {
        "open" in command -> open(command["open"])
        "close" in command -> plain(node!!.shutdown())
        "by_name" in command -> Written(node!!.call(command["by_name"] as String, written(members)))
        else -> call(command["call"] as String, members)
    }
}

private suspend fun obey(command: Map<*, *>) {
    val id = command["id"]
    try {
        if ("events" in command) {
            val events = node!!.events()
            say("id" to id, "ok" to null)
            while (events.wait()) events.take()?.let { say("id" to id, "event" to plain(it)) }
        } else {
            say("id" to id, "ok" to done(command))
        }
    } catch (error: Exception) {
        val cause = (error as? java.lang.reflect.InvocationTargetException)?.targetException ?: error
        val failure = (cause as? DmException)?.details ?: return say("id" to id, "fault" to error.stackTraceToString())
        val kind = cause::class.simpleName!!.replace("Exception", "Error")
        val told = mapOf(
            "code" to failure.name, "number" to plain(failure.number), "retryable" to failure.retryable, "class" to kind,
            "message" to failure.message, "context" to failure.context,
        )
        say("id" to id, "error" to told)
    }
}

fun main() {
    runBlocking(Dispatchers.Default) {
        coroutineScope {
            for (line in generateSequence(::readLine)) {
                val command = Reader(line).read() as Map<*, *>
                launch { obey(command) }
            }
            // The end of the input: whoever still waits hears that the node is closed.
            node?.shutdown()
        }
    }
    exitProcess(0)
}
