// An agent that decides for itself whom it talks to.
//
// Questions are JSON text; a program with more to decide reads them with a library for JSON. Here it is enough to look for
// a member: a quotation mark in somebody else's text has a backslash before it, so no text can pass for a member.

#include <dmagent.h>
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

// Who is let in.
typedef struct {
    dm_agent_id friend_id;
} doorkeeper;

// The id is proven; the name is whatever the other side likes.
static void admit_connection(void *context, dm_text question, dm_verdict *verdict) {
    const doorkeeper *door = context;
    char member[96];
    snprintf(member, sizeof member, "\"agent_id\":\"%s\"", door->friend_id.hex);
    if (strstr(question.data, member)) dm_verdict_accept(verdict);
    else dm_verdict_refuse(verdict, dm_text_of("I only talk to friends"));
}

static void admit_message(void *context, dm_text question, dm_verdict *verdict) {
    (void)context;
    if (strstr(question.data, "\"content\":\"Buy now")) dm_verdict_refuse(verdict, dm_text_of("No advertisements"));
    else dm_verdict_accept(verdict);
}

// A handler that writes no verdict leaves the decision to the settings.
static void route(void *context, dm_text question, dm_verdict *verdict) {
    (void)context;
    if (strstr(question.data, "\"type\":\"chatter\"")) dm_verdict_drop(verdict);
}

static const char *word(dm_delivery_state state) {
    static const char *const words[] = {"failed",    "stored",   "accepted", "delivered",
                                        "handled", "answered", "refused",  "expired"};
    return words[state];
}

int main(void) {
    dm_error error = {0};
    dm_node *alice = opened("{\"display_name\": \"alice\", \"http\": true}");
    dm_node *mallory = opened("{\"display_name\": \"mallory\", \"http\": true}");
    dm_node *bob = opened("{\"display_name\": \"bob\", \"http\": true}");
    doorkeeper door;
    require(dm_node_agent_id(alice, &door.friend_id, &error), &error);
    dm_policy policy = {&door, admit_connection, admit_message, route, NULL};
    require(dm_node_set_policy(bob, &policy, &error), &error);

    dm_string url = {0};
    dm_agent_id id;
    bool pending = false;
    require(dm_node_url(bob, &url, &error), &error);
    dm_status refused = dm_connect(mallory, dm_text_of(url.data), dm_no_text(), NULL, NULL, &error);
    if (refused == DM_PEER_REFUSED) printf("mallory is refused: %s\n", error.name);
    else require(refused, &error);
    dm_error_clear(&error);
    require(dm_connect(alice, dm_text_of(url.data), dm_no_text(), &id, &pending, &error), &error);
    printf("alice is %s\n", pending ? "pending" : "connected");
    dm_text peer = dm_text_of(id.hex);

    dm_delivery_state state;
    require(dm_send(alice, peer, dm_text_of("Buy now!"), dm_no_text(), &state, NULL, &error), &error);
    printf("the advertisement is %s\n", word(state));
    dm_text chatter = dm_text_of("{\"metadata\": {\"type\": \"chatter\"}}");
    require(dm_send(alice, peer, dm_text_of("Nice weather"), chatter, NULL, NULL, &error), &error);
    require(dm_send(alice, peer, dm_text_of("Your house is on fire"), dm_no_text(), NULL, NULL, &error), &error);
    dm_message *message = NULL;
    require(dm_receive(bob, dm_text_of("{\"kinds\": [\"peer\"]}"), -1, &message, &error), &error);
    printf("bob reads: %s\n", dm_message_content(message).data);
    require(dm_acknowledge(message, NULL, &error), &error);

    dm_message_free(&message);
    dm_string_free(&url);
    dm_node *nodes[] = {alice, mallory, bob};
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        require(dm_node_close(nodes[i], &error), &error);
        dm_node_free(&nodes[i]);
    }
    return 0;
}
