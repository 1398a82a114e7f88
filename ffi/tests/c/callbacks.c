// Handlers: serial, from a thread of the library, none after drop began, drop exactly once; calling back in, and ending
// everything from inside.

#include "check.h"
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

typedef struct {
    dm_node *node;
    dm_subscription *subscription;
    atomic_int running, calls, drops;
    // What to do inside a call: 0 nothing, 1 call the node, 2 end the subscription, 3 close the node and free it.
    atomic_int deed;
    pthread_t caller;
} probe;

static void told(void *context, dm_text event) {
    probe *mine = context;
    CHECK(atomic_fetch_add(&mine->running, 1) == 0);
    CHECK(atomic_load(&mine->drops) == 0 && !pthread_equal(pthread_self(), mine->caller));
    CHECK(event.data[event.len] == '\0' && strstr(event.data, "\"type\""));
    dm_error error;
    if (mine->deed == 1) {
        dm_string info = {NULL, 0};
        OK(dm_call(mine->node, T("node.info"), NONE, &info, &error));
        dm_string_free(&info);
    }
    if (mine->deed == 2) dm_subscription_free(&mine->subscription);
    if (mine->deed == 3) {
        OK(dm_node_close(mine->node, &error));
        dm_node_free(&mine->node);
    }
    usleep(2000);
    atomic_fetch_sub(&mine->running, 1);
    atomic_fetch_add(&mine->calls, 1);
}

static void dropped(void *context) {
    probe *mine = context;
    CHECK(atomic_load(&mine->running) == 0);
    atomic_fetch_add(&mine->drops, 1);
}

static void wait_for(atomic_int *number, int wanted) {
    for (int turn = 0; turn < 2000 && atomic_load(number) < wanted; turn++) usleep(5000);
    CHECK(atomic_load(number) >= wanted);
}

static void trouble(dm_node *node, int times) {
    dm_error error;
    dm_agent_id own;
    OK(dm_node_agent_id(node, &own, &error));
    for (int turn = 0; turn < times; turn++) OK(dm_trust_set(node, T(own.hex), turn / 100.0, NONE, &error));
}

static void subscribe(probe *mine, int deed) {
    dm_error error;
    memset(mine, 0, sizeof *mine);
    mine->caller = pthread_self();
    mine->deed = deed;
    mine->node = ephemeral("teller");
    OK(dm_subscribe(mine->node, told, mine, dropped, &mine->subscription, &error));
}

static atomic_int logged, log_drops;

static void log_line(void *context, dm_log_level level, dm_text target, dm_text text) {
    CHECK(context == &logged && level >= DM_LOG_ERROR && level <= DM_LOG_TRACE);
    CHECK(strncmp(target.data, "dmagent", 7) == 0 && text.len == strlen(text.data));
    atomic_fetch_add(&logged, 1);
}

static void log_dropped(void *context) {
    (void)context;
    atomic_fetch_add(&log_drops, 1);
}

int main(void) {
    dm_error error;
    probe mine;

    OK(dm_log_set(5, log_line, &logged, log_dropped, &error));
    // A node says that it does not know this one.
    setenv("DARKMATTER_NO_SUCH_SETTING", "1", 1);

    // Ended from outside: the call under way is waited for, and nothing comes later.
    subscribe(&mine, 1);
    trouble(mine.node, 20);
    wait_for(&mine.calls, 3);
    dm_subscription_free(&mine.subscription);
    int calls = mine.calls;
    CHECK(mine.running == 0 && mine.drops == 1);
    trouble(mine.node, 5);
    usleep(50000);
    CHECK(mine.calls == calls && mine.drops == 1);
    dm_node_free(&mine.node);

    // Ended from inside a call: it is the last.
    subscribe(&mine, 2);
    trouble(mine.node, 20);
    wait_for(&mine.drops, 1);
    CHECK(mine.calls == 1 && mine.subscription == NULL);
    dm_node_free(&mine.node);

    // The node closed and freed from inside a call: the handler gets the rest and ends.
    subscribe(&mine, 3);
    dm_node *node = mine.node;
    trouble(node, 1);
    wait_for(&mine.drops, 1);
    CHECK(mine.node == NULL && dm_node_is_closed(node));
    dm_subscription_free(&mine.subscription);
    CHECK(mine.drops == 1);

    // A context is dropped also when its function fails.
    atomic_int before = mine.drops;
    CHECK(dm_subscribe(NULL, told, &mine, dropped, &mine.subscription, NULL) == DM_INVALID_ARGUMENT);
    CHECK(mine.drops == before + 1);

    // The log goes to one handler at a time.
    wait_for(&logged, 1);
    OK(dm_log_set(3, log_line, &logged, log_dropped, &error));
    CHECK(log_drops == 1);
    OK(dm_log_set(0, NULL, NULL, NULL, &error));
    CHECK(log_drops == 2);
    int lines = logged;
    dm_node *silent = ephemeral("silent");
    dm_node_free(&silent);
    CHECK(logged == lines);
    puts("callbacks: passed");
    return 0;
}
