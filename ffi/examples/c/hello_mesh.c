// An agent in C: asks the node at a URL, or answers questions when no URL is given.
//
//     hello_mesh                                   answers, and prints where it listens
//     hello_mesh http://127.0.0.1:8101 "a question"   asks, and prints the answer

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

int main(int count, char **words) {
    dm_error error;
    dm_node *node = NULL;
    dm_message *message = NULL;
    require(dm_check_abi(DM_ABI_VERSION, &error), &error);
    // Without `ephemeral` the agent lives in the folder where it is started, and keeps its identity and its mail.
    require(dm_node_open(dm_no_text(), dm_text_of("{\"ephemeral\": true}"), &node, &error), &error);

    if (count > 2) {
        dm_agent_id peer;
        require(dm_connect(node, dm_text_of(words[1]), dm_no_text(), &peer, NULL, &error), &error);
        require(dm_ask(node, dm_text_of(peer.hex), dm_text_of(words[2]), dm_no_text(), 10000, &message, &error), &error);
        printf("%s\n", dm_message_content(message).data);
        require(dm_acknowledge(message, NULL, &error), &error);
        dm_message_free(&message);
    } else {
        dm_string url;
        require(dm_node_url(node, &url, &error), &error);
        printf("%s\n", url.data);
        fflush(stdout);
        dm_string_free(&url);
        for (;;) {
            require(dm_receive(node, dm_text_of("{\"kinds\": [\"peer\"]}"), -1, &message, &error), &error);
            // An answer is not answered, or two agents would never stop.
            if (dm_message_in_reply_to(message).data == NULL)
                require(dm_reply(message, dm_text_of("hello from C"), dm_no_text(), NULL, NULL, &error), &error);
            // Only now: what was not acknowledged comes again, also after a crash.
            require(dm_acknowledge(message, NULL, &error), &error);
            dm_message_free(&message);
        }
    }
    require(dm_node_close(node, &error), &error);
    dm_node_free(&node);
    return 0;
}
