// A small runner: tests are functions with names that are sentences; the output is TAP.
package dmagent.tests

import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

/** The longest a test may take; a test that hangs must end. */
private const val PATIENCE_MS = 60_000L

class Suite(private val filter: String?) {
    private var passed = 0
    private var failed = 0

    fun test(name: String, body: suspend () -> Unit) {
        if (filter != null && filter !in name) return
        try {
            runBlocking { withTimeout(PATIENCE_MS) { body() } }
            passed += 1
            println("ok ${passed + failed} - $name")
        } catch (failure: Throwable) {
            failed += 1
            println("not ok ${passed + failed} - $name")
            println(failure.stackTraceToString().prependIndent("# "))
        }
    }

    fun end(): Int {
        println("# pass $passed")
        println("# fail $failed")
        return if (failed == 0) 0 else 1
    }
}

fun check(condition: Boolean, said: () -> String = { "it is not so" }) {
    if (!condition) throw AssertionError(said())
}

fun <T> same(found: T, expected: T) = check(found == expected) { "found $found, expected $expected" }

/** Runs [body], which must fail with [E]. */
inline fun <reified E : Throwable> fails(body: () -> Unit): E {
    try {
        body()
    } catch (error: Throwable) {
        return error as? E ?: throw AssertionError("it failed with another error", error)
    }
    throw AssertionError("it did not fail")
}
