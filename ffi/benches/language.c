// The benchmark of the languages, in C. See `core/benches/language/README.md`.

#include <dmagent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { AT_ONCE = 32, SIZE = 256 };

#define PEERS "{\"kinds\": [\"peer\"]}"

static void require(dm_status status, dm_error *error) {
    if (status == DM_OK) return;
    fprintf(stderr, "%s\n", error->message.data);
    exit(1);
}

static long long nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long resident_kib(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) exit(1);
    fclose(file);
    return pages * 4;
}

static dm_node *opened(const char *preset, const char *settings) {
    dm_error error;
    dm_node *node = NULL;
    require(dm_node_open(preset == NULL ? dm_no_text() : dm_text_of(preset), dm_text_of(settings), &node, &error), &error);
    return node;
}

static dm_node *on_disk(const char *folder, const char *durability) {
    char settings[4096];
    snprintf(settings, sizeof settings, "{\"project_dir\": \"%s\", \"durability\": \"%s\", \"limits\": {\"peer\": null}}",
             folder, durability);
    return opened(NULL, settings);
}

static void close_node(dm_node *node) {
    dm_error error;
    require(dm_node_close(node, &error), &error);
    dm_node_free(&node);
}

static void print_url(dm_node *node) {
    dm_error error;
    dm_string url;
    require(dm_node_url(node, &url, &error), &error);
    printf("%s\n", url.data);
    fflush(stdout);
    dm_string_free(&url);
}

static void *close_at_end_of_input(void *node) {
    while (getchar() != EOF) {
    }
    dm_error error;
    require(dm_node_close(node, &error), &error);
    return NULL;
}

static int receive(dm_node *node) {
    dm_error error;
    dm_message *message = NULL;
    pthread_t ending;
    print_url(node);
    if (pthread_create(&ending, NULL, close_at_end_of_input, node) != 0) return 1;
    for (;;) {
        dm_status status = dm_receive(node, dm_text_of(PEERS), -1, &message, &error);
        if (status == DM_CLOSED) break;
        require(status, &error);
        long long waited = nanoseconds(CLOCK_REALTIME) - atoll(dm_message_content(message).data);
        require(dm_acknowledge(message, NULL, &error), &error);
        dm_message_free(&message);
        printf("%lld\n", waited);
        fflush(stdout);
    }
    dm_error_clear(&error);
    pthread_join(ending, NULL);
    dm_node_free(&node);
    return 0;
}

static int send_on_demand(dm_node *node, const char *url) {
    dm_error error;
    dm_agent_id peer;
    char line[64], content[SIZE + 1];
    require(dm_connect(node, dm_text_of(url), dm_no_text(), &peer, NULL, &error), &error);
    while (fgets(line, sizeof line, stdin) != NULL) {
        snprintf(content, sizeof content, "%-*lld", SIZE, nanoseconds(CLOCK_REALTIME));
        require(dm_send(node, dm_text_of(peer.hex), dm_text_of(content), dm_no_text(), NULL, NULL, &error), &error);
    }
    close_node(node);
    return 0;
}

// One that sends a message after the other is handled.
struct worker {
    dm_node *node;
    dm_agent_id peer;
    int number, messages;
    sem_t handled;
    pthread_t thread;
};

static void *work(void *context) {
    struct worker *worker = context;
    dm_error error;
    char content[SIZE + 1];
    snprintf(content, sizeof content, "%-*d", SIZE, worker->number);
    for (int sent = 0; sent < worker->messages; sent++) {
        dm_text peer = dm_text_of(worker->peer.hex);
        require(dm_send(worker->node, peer, dm_text_of(content), dm_no_text(), NULL, NULL, &error), &error);
        sem_wait(&worker->handled);
    }
    return NULL;
}

static int pair(int count) {
    static struct worker workers[AT_ONCE];
    const char *settings = "{\"http\": false, \"memory\": true, \"limits\": {\"peer\": null}}";
    dm_error error;
    dm_agent_id peer;
    dm_string url;
    dm_message *message = NULL;
    dm_node *sender = opened("ephemeral", settings), *receiver = opened("ephemeral", settings);
    require(dm_node_url(receiver, &url, &error), &error);
    require(dm_connect(sender, dm_text_of(url.data), dm_no_text(), &peer, NULL, &error), &error);
    dm_string_free(&url);
    long long began = nanoseconds(CLOCK_MONOTONIC);
    for (int number = 0; number < AT_ONCE; number++) {
        struct worker *worker = &workers[number];
        *worker = (struct worker){.node = sender, .peer = peer, .number = number,
                                  .messages = count / AT_ONCE + (number < count % AT_ONCE)};
        if (sem_init(&worker->handled, 0, 0) != 0 || pthread_create(&worker->thread, NULL, work, worker) != 0) return 1;
    }
    long early = 0;
    for (int number = 1; number <= count; number++) {
        require(dm_receive(receiver, dm_text_of(PEERS), -1, &message, &error), &error);
        int worker = atoi(dm_message_content(message).data);
        require(dm_acknowledge(message, NULL, &error), &error);
        dm_message_free(&message);
        sem_post(&workers[worker].handled);
        if (number == (count + 9) / 10) early = resident_kib();
    }
    double seconds = (double)(nanoseconds(CLOCK_MONOTONIC) - began) / 1e9;
    for (int number = 0; number < AT_ONCE; number++) pthread_join(workers[number].thread, NULL);
    printf("%.0f %ld %ld\n", count / seconds, early, resident_kib());
    close_node(sender);
    close_node(receiver);
    return 0;
}

int main(int count, char **words) {
    if (count == 4 && strcmp(words[1], "receive") == 0) return receive(on_disk(words[2], words[3]));
    if (count == 5 && strcmp(words[1], "send") == 0) return send_on_demand(on_disk(words[2], words[3]), words[4]);
    if (count == 3 && strcmp(words[1], "pair") == 0) return pair(atoi(words[2]));
    fprintf(stderr, "receive FOLDER DURABILITY, send FOLDER DURABILITY URL, or pair COUNT\n");
    return 2;
}
