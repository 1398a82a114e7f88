// As much JSON as the host of the scenarios needs: Kotlin has no reader of its own.
package dmagent.scenarios

/** Reads a text: objects as maps, lists, text, numbers as they are written, true, false, and null. */
class Reader(private val text: String) {
    private var at = 0

    fun read(): Any? {
        val value = value()
        blank()
        require(at == text.length) { "more than one value: $text" }
        return value
    }

    private fun blank() {
        while (at < text.length && text[at].isWhitespace()) at += 1
    }

    private fun next(): Char {
        blank()
        return text[at++]
    }

    private fun peek(): Char {
        blank()
        return text[at]
    }

    private fun value(): Any? = when (peek()) {
        '{' -> members('}') {
            val name = string()
            require(next() == ':') { "a member has no value: $text" }
            name to value()
        }.toMap()
        '[' -> members(']') { value() }
        '"' -> string()
        else -> word()
    }

    private fun <T> members(end: Char, one: () -> T): List<T> {
        val found = mutableListOf<T>()
        at += 1
        while (peek() != end) {
            found += one()
            if (peek() == ',') at += 1
        }
        at += 1
        return found
    }

    private fun string(): String {
        require(next() == '"') { "text is expected: $text" }
        val found = StringBuilder()
        while (text[at] != '"') {
            val c = text[at++]
            found.append(if (c == '\\') escaped() else c)
        }
        at += 1
        return found.toString()
    }

    private fun escaped(): Char = when (val c = text[at++]) {
        'n' -> '\n'
        't' -> '\t'
        'r' -> '\r'
        'b' -> '\b'
        'f' -> '\u000c'
        'u' -> text.substring(at, at + 4).toInt(16).toChar().also { at += 4 }
        else -> c
    }

    private fun word(): Any? {
        val start = at
        while (at < text.length && text[at] !in ",]}" && !text[at].isWhitespace()) at += 1
        return when (val word = text.substring(start, at)) {
            "null" -> null
            "true" -> true
            "false" -> false
            else -> Written(word)
        }
    }
}

/** A number, or JSON of somebody else, as it is written. */
data class Written(val text: String)

/** Writes what [Reader] reads. */
fun written(value: Any?): String = when (value) {
    is Written -> value.text
    is String -> quoted(value)
    is Map<*, *> -> value.entries.joinToString(",", "{", "}") { (name, member) -> "${quoted("$name")}:${written(member)}" }
    is List<*> -> value.joinToString(",", "[", "]") { written(it) }
    else -> "$value"
}

private fun quoted(text: String): String = text.asIterable().joinToString("", "\"", "\"") { c ->
    when {
        c == '"' || c == '\\' -> "\\$c"
        c < ' ' -> "\\u%04x".format(c.code)
        else -> "$c"
    }
}
