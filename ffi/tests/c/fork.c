// A fork: the handles of the parent are useless in the child and harm nobody; the child opens a node of its own.

#include "check.h"
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static void hear(void *context, dm_log_level level, dm_text target, dm_text text) {
    (void)level, (void)target, (void)text;
    ++*(atomic_int *)context;
}

static void forget(void *context) { ++((atomic_int *)context)[1]; }

int main(void) {
    // How often each handler of the log was called, and dropped.
    static atomic_int parents[2], childs[2];
    dm_error error;
    dm_node *node = ephemeral("parent");
    dm_events *events = NULL;
    dm_string text = {NULL, 0};
    OK(dm_events_open(node, &events, &error));
    OK(dm_log_set(DM_LOG_TRACE, hear, parents, forget, &error));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        FAILS(dm_call(node, T("node.info"), NONE, &text, &error), DM_FORKED, "open a node here");
        FAILS(dm_events_next(events, 0, &text, &error), DM_FORKED, "forked");
        dm_node_free(&node);
        dm_events_free(&events);
        CHECK(node == NULL && events == NULL);
        // The handler of the parent stays the parent's.
        parents[0] = 0;
        // A node says that it does not know this one.
        setenv("DARKMATTER_NO_SUCH_SETTING", "1", 1);
        OK(dm_log_set(DM_LOG_TRACE, hear, childs, forget, &error));
        dm_node *own = ephemeral("child"), *friend = ephemeral("friend");
        introduce(own, friend);
        dm_node_free(&own);
        dm_node_free(&friend);
        for (int turn = 0; turn < 4000 && childs[0] == 0; turn++) usleep(5000);
        OK(dm_log_set(0, NULL, NULL, NULL, &error));
        CHECK(childs[0] > 0 && childs[1] == 1 && parents[0] == 0 && parents[1] == 0);
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(dm_call(node, T("node.info"), NONE, &text, &error));
    dm_string_free(&text);
    dm_events_free(&events);
    dm_node_free(&node);
    OK(dm_log_set(0, NULL, NULL, NULL, &error));
    CHECK(parents[1] == 1);
    puts("fork: passed");
    return 0;
}
