// A fork: the handles of the parent are useless in the child and harm nobody; the child opens a node of its own.

#include "check.h"
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    dm_error error;
    dm_node *node = ephemeral("parent");
    dm_events *events = NULL;
    dm_string text = {NULL, 0};
    OK(dm_events_open(node, &events, &error));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        FAILS(dm_call(node, T("node.info"), NONE, &text, &error), DM_FORKED, "open a node here");
        FAILS(dm_events_next(events, 0, &text, &error), DM_FORKED, "forked");
        dm_node_free(&node);
        dm_events_free(&events);
        CHECK(node == NULL && events == NULL);
        dm_node *own = ephemeral("child"), *friend = ephemeral("friend");
        introduce(own, friend);
        dm_node_free(&own);
        dm_node_free(&friend);
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(dm_call(node, T("node.info"), NONE, &text, &error));
    dm_string_free(&text);
    dm_events_free(&events);
    dm_node_free(&node);
    puts("fork: passed");
    return 0;
}
