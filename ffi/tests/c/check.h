// What the test programs share: a check that tells where it failed, and two nodes that know each other.

#ifndef CHECK_H
#define CHECK_H

#include <dmagent.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                    \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                        \
        }                                                                                   \
    } while (0)

// The call must succeed.
#define OK(call)                                                                                          \
    do {                                                                                                  \
        if ((call) != DM_OK) {                                                                            \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call,                                 \
                    error.message.data ? error.message.data : "it told nothing");                         \
            abort();                                                                                      \
        }                                                                                                 \
    } while (0)

// The call must fail with this status, a message that contains this text, and nothing left to clear twice.
#define FAILS(call, wanted, words)                                                                        \
    do {                                                                                                  \
        dm_status found_ = (call);                                                                        \
        if (found_ != (wanted) || error.status != found_ || !error.message.data ||                        \
            !strstr(error.message.data, words)) {                                                         \
            fprintf(stderr, "%s:%d: %s gives %d: %s\n", __FILE__, __LINE__, #call, (int)found_,           \
                    error.message.data ? error.message.data : "it told nothing");                         \
            abort();                                                                                      \
        }                                                                                                 \
        dm_error_clear(&error);                                                                           \
        dm_error_clear(&error);                                                                           \
        CHECK(error.message.data == NULL && error.status == DM_OK);                                       \
    } while (0)

#define T(string) dm_text_of(string)
#define NONE dm_no_text()

// Anything that was not written yet: a result that is written on failure would show.
#define SCRIBBLE ((void *)(uintptr_t)0x5a5a5a50)

// A node that leaves nothing behind and listens at a port of this machine.
static inline dm_node *ephemeral(const char *name) {
    dm_error error;
    dm_node *node = NULL;
    char settings[128];
    snprintf(settings, sizeof settings, "{\"display_name\": \"%s\", \"ephemeral\": true, \"port\": 0}", name);
    OK(dm_node_open(NONE, T(settings), &node, &error));
    return node;
}

// The id of the second, which the first is connected to now.
static inline dm_agent_id introduce(dm_node *first, dm_node *second) {
    dm_error error;
    dm_string url = {NULL, 0};
    dm_agent_id found, expected;
    bool pending = true;
    OK(dm_node_url(second, &url, &error));
    OK(dm_node_agent_id(second, &expected, &error));
    OK(dm_connect(first, T(url.data), T(expected.hex), &found, &pending, &error));
    CHECK(strcmp(found.hex, expected.hex) == 0 && !pending);
    dm_string_free(&url);
    return found;
}

static inline bool same(dm_text text, const char *expected) {
    return text.data && text.len == strlen(expected) && memcmp(text.data, expected, text.len + 1) == 0;
}

#endif
