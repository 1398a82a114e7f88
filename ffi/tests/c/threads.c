// Many threads on one node; waits that end because somebody closes it; nodes opened and ended in turn.

#include "check.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS 8
#define EACH 25

static dm_node *sender, *receiver, *lonely;
static dm_agent_id to;
static atomic_int handled, closed;

static void *sends(void *unused) {
    dm_error error;
    for (int turn = 0; turn < EACH; turn++) {
        dm_delivery_state delivered;
        OK(dm_send(sender, T(to.hex), T("work"), NONE, &delivered, NULL, &error));
        CHECK(delivered != DM_DELIVERY_FAILED);
    }
    return unused;
}

static void *receives(void *unused) {
    dm_error error;
    for (;;) {
        dm_message *message = NULL;
        dm_status status = dm_receive(receiver, NONE, -1, &message, &error);
        if (status == DM_CLOSED || status == DM_INVALID_HANDLE) {
            dm_error_clear(&error);
            atomic_fetch_add(&closed, 1);
            return unused;
        }
        CHECK(status == DM_OK);
        OK(dm_acknowledge(message, NULL, &error));
        // The node is freed when all are counted, so each is over by then.
        if (same(dm_message_content(message), "work")) atomic_fetch_add(&handled, 1);
        dm_message_free(&message);
    }
}

// Connects to a program that takes the connection and says nothing.
static void *connects(void *url) {
    dm_error error;
    dm_status status = dm_connect(lonely, T(url), NONE, NULL, NULL, &error);
    CHECK(status == DM_CLOSED);
    dm_error_clear(&error);
    return NULL;
}

static void free_while_one_connects(void) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    CHECK(listener >= 0 && bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    pthread_t thread;
    lonely = ephemeral("lonely");
    dm_node *copy = lonely;
    CHECK(pthread_create(&thread, NULL, connects, url) == 0);
    int silent = accept(listener, NULL, NULL);
    CHECK(silent >= 0);
    dm_node_free(&copy);
    CHECK(pthread_join(thread, NULL) == 0);
    close(silent);
    close(listener);
}

static pthread_barrier_t together;

static void accepts(void *context, dm_text question, dm_verdict *verdict) {
    (void)context;
    (void)question;
    dm_verdict_accept(verdict);
}

static void *decides(void *node) {
    dm_error error;
    dm_policy policy = {NULL, NULL, accepts, NULL, NULL};
    pthread_barrier_wait(&together);
    OK(dm_node_set_policy(node, &policy, &error));
    return NULL;
}

// Whoever is last decides, and is there to do it.
static void policies_from_many_threads(void) {
    dm_error error;
    dm_node *writer = ephemeral("writer"), *door = NULL;
    OK(dm_node_open(NONE, T("{\"ephemeral\": true, \"limits\": {\"loopback\": \"exempt\", \"peer\": null}}"), &door, &error));
    dm_agent_id door_id = introduce(writer, door);
    for (int turn = 0; turn < 60; turn++) {
        pthread_t threads[THREADS];
        CHECK(pthread_barrier_init(&together, NULL, THREADS) == 0);
        for (int each = 0; each < THREADS; each++) CHECK(pthread_create(&threads[each], NULL, decides, door) == 0);
        for (int each = 0; each < THREADS; each++) CHECK(pthread_join(threads[each], NULL) == 0);
        CHECK(pthread_barrier_destroy(&together) == 0);
        dm_delivery_state delivered;
        OK(dm_send(writer, T(door_id.hex), T("may I?"), NONE, &delivered, NULL, &error));
        CHECK(delivered == DM_DELIVERY_ACCEPTED);
    }
    dm_node_free(&writer);
    dm_node_free(&door);
}

int main(void) {
    dm_error error;
    sender = ephemeral("sender");
    OK(dm_node_open(NONE, T("{\"ephemeral\": true, \"limits\": {\"loopback\": \"exempt\"}}"), &receiver, &error));
    to = introduce(sender, receiver);
    pthread_t senders[THREADS], receivers[THREADS];
    for (int each = 0; each < THREADS; each++) {
        CHECK(pthread_create(&receivers[each], NULL, receives, NULL) == 0);
        CHECK(pthread_create(&senders[each], NULL, sends, NULL) == 0);
    }
    for (int each = 0; each < THREADS; each++) CHECK(pthread_join(senders[each], NULL) == 0);
    for (int turn = 0; turn < 4000 && handled < THREADS * EACH; turn++) usleep(5000);
    CHECK(handled == THREADS * EACH);

    // Waiting threads learn the end, whether it comes with a close or with a free.
    dm_node *copy = receiver;
    dm_node_free(&copy);
    for (int each = 0; each < THREADS; each++) CHECK(pthread_join(receivers[each], NULL) == 0);
    CHECK(closed == THREADS);
    dm_node_free(&sender);

    for (int turn = 0; turn < 5; turn++) {
        dm_node *first = ephemeral("first"), *second = ephemeral("second");
        introduce(first, second);
        OK(dm_node_close(first, &error));
        dm_node_free(&first);
        dm_node_free(&second);
    }
    free_while_one_connects();
    policies_from_many_threads();
    puts("threads: passed");
    return 0;
}
