// Two agents meet, and one greets the other.

#include <dmagent.h>
#include <stdio.h>
#include <stdlib.h>

// Tells what went wrong and ends the program.
static void require(dm_status status, dm_error *error) {
    if (status == DM_OK) return;
    fprintf(stderr, "%s\n", error->message.data);
    dm_error_clear(error);
    exit(1);
}

int main(void) {
    dm_error error = {0};
    dm_node *alice = NULL, *bob = NULL;
    dm_text settings = dm_text_of("{\"http\": true}"); // on loopback; nothing on disk: for trying and testing
    require(dm_node_open(dm_text_of("ephemeral"), settings, &alice, &error), &error);
    require(dm_node_open(dm_text_of("ephemeral"), settings, &bob, &error), &error);

    dm_string url = {0};
    dm_agent_id peer;
    dm_delivery_state state;
    require(dm_node_url(bob, &url, &error), &error);
    require(dm_connect(alice, dm_text_of(url.data), dm_no_text(), &peer, NULL, &error), &error);
    require(dm_send(alice, dm_text_of(peer.hex), dm_text_of("Hello, mesh!"), dm_no_text(), &state, NULL, &error), &error);
    printf("alice's message is %s\n", state == DM_DELIVERY_ACCEPTED ? "accepted" : "not accepted");

    dm_message *message = NULL;
    require(dm_receive(bob, dm_text_of("{\"kinds\": [\"peer\"]}"), -1, &message, &error), &error);
    printf("bob reads: %s\n", dm_message_content(message).data);
    require(dm_acknowledge(message, NULL, &error), &error); // before this line a crash brings it back

    dm_message_free(&message);
    dm_string_free(&url);
    dm_node_free(&alice);
    dm_node_free(&bob);
    return 0;
}
