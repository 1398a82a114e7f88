// Two agents in one process ask and answer.

#include <dmagent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Tells what went wrong and ends the program.
static void require(dm_status status, dm_error *error) {
    if (status == DM_OK) return;
    fprintf(stderr, "%s\n", error->message.data);
    dm_error_clear(error);
    exit(1);
}

// A node that listens on loopback and keeps nothing.
static dm_node *opened(const char *settings) {
    dm_error error = {0};
    dm_node *node = NULL;
    require(dm_node_open(dm_text_of("ephemeral"), dm_text_of(settings), &node, &error), &error);
    return node;
}

// Answers questions until somebody says goodbye.
static void *answer(void *node) {
    dm_error error = {0};
    for (bool goodbye = false; !goodbye;) {
        dm_message *message = NULL;
        require(dm_receive(node, dm_text_of("{\"kinds\": [\"peer\"]}"), -1, &message, &error), &error);
        goodbye = strcmp(dm_message_content(message).data, "Goodbye") == 0;
        if (!goodbye) {
            printf("bob is asked: %s\n", dm_message_content(message).data);
            require(dm_reply(message, dm_text_of("42"), dm_no_text(), NULL, NULL, &error), &error);
        }
        // Only now: what was not acknowledged comes again, also after a crash.
        require(dm_acknowledge(message, NULL, &error), &error);
        dm_message_free(&message);
    }
    return NULL;
}

int main(void) {
    dm_error error = {0};
    dm_node *alice = opened("{\"display_name\": \"alice\", \"http\": true}");
    dm_node *bob = opened("{\"display_name\": \"bob\", \"http\": true}");
    pthread_t answering;
    if (pthread_create(&answering, NULL, answer, bob) != 0) return 1;

    dm_string url = {0};
    dm_agent_id id;
    bool pending = false;
    require(dm_node_url(bob, &url, &error), &error);
    require(dm_connect(alice, dm_text_of(url.data), dm_no_text(), &id, &pending, &error), &error);
    printf("alice is %s\n", pending ? "pending" : "connected");
    dm_text peer = dm_text_of(id.hex);

    dm_message *heard = NULL;
    require(dm_ask(alice, peer, dm_text_of("What is the answer?"), dm_no_text(), -1, &heard, &error), &error);
    printf("alice hears: %s\n", dm_message_content(heard).data);
    require(dm_acknowledge(heard, NULL, &error), &error);

    double score = 0;
    require(dm_trust_set(alice, peer, 0.8, dm_text_of("answers questions"), &error), &error);
    require(dm_trust_get(alice, peer, &score, NULL, &error), &error);
    printf("alice trusts bob: %g\n", score);
    require(dm_send(alice, peer, dm_text_of("Goodbye"), dm_no_text(), NULL, NULL, &error), &error);
    pthread_join(answering, NULL);

    dm_message_free(&heard);
    dm_string_free(&url);
    require(dm_node_close(alice, &error), &error);
    require(dm_node_close(bob, &error), &error);
    dm_node_free(&alice);
    dm_node_free(&bob);
    return 0;
}
