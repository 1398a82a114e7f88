// What no program should do: each gets a status and a sentence, and writes no result.

#include "check.h"

int main(void) {
    dm_error error;
    dm_node *node = ephemeral("victim"), *copy = node, *none = NULL, *out = SCRIBBLE;
    dm_events *events = NULL;
    dm_message *message = SCRIBBLE;
    dm_string text = {SCRIBBLE, 7};
    dm_agent_id id;
    OK(dm_node_agent_id(node, &id, &error));
    OK(dm_events_open(node, &events, &error));

    // NULL, for a handle, a place, a text, and for the error itself.
    FAILS(dm_node_agent_id(none, &id, &error), DM_INVALID_ARGUMENT, "node must not be NULL");
    FAILS(dm_node_agent_id(node, NULL, &error), DM_INVALID_ARGUMENT, "agent must not be NULL");
    FAILS(dm_connect(node, NONE, NONE, NULL, NULL, &error), DM_INVALID_ARGUMENT, "url must not be NULL");
    FAILS(dm_send(node, T(id.hex), NONE, NONE, NULL, NULL, &error), DM_INVALID_ARGUMENT, "content must not be NULL");
    FAILS(dm_receive(node, NONE, 0, NULL, &error), DM_INVALID_ARGUMENT, "message must not be NULL");
    FAILS(dm_node_open(T("ephemeral"), NONE, NULL, &error), DM_INVALID_ARGUMENT, "node must not be NULL");
    FAILS(dm_subscribe(node, NULL, NULL, NULL, NULL, &error), DM_INVALID_ARGUMENT, "must not be NULL");
    CHECK(dm_node_agent_id(NULL, NULL, NULL) == DM_INVALID_ARGUMENT);
    dm_node_free(NULL);
    dm_message_free(NULL);
    dm_events_free(NULL);
    dm_subscription_free(NULL);
    dm_string_free(NULL);
    dm_error_clear(NULL);
    dm_verdict_accept(NULL);
    dm_verdict_refuse(NULL, NONE);

    // Another kind of handle, an address of the program, a number.
    FAILS(dm_call((dm_node *)events, T("node.info"), NONE, &text, &error), DM_INVALID_HANDLE, "another kind");
    FAILS(dm_call((dm_node *)&error, T("node.info"), NONE, &text, &error), DM_INVALID_HANDLE, "another kind");
    FAILS(dm_call((dm_node *)(uintptr_t)7, T("node.info"), NONE, &text, &error), DM_INVALID_HANDLE, "another kind");
    FAILS(dm_acknowledge((dm_message *)node, NULL, &error), DM_INVALID_HANDLE, "message was freed");
    CHECK(dm_message_content((dm_message *)node).data == NULL && dm_message_sequence((dm_message *)node) == 0);
    dm_events *wrong = (dm_events *)node;
    dm_events_free(&wrong);
    CHECK(wrong == NULL && !dm_node_is_closed(node));

    // Text that is no UTF-8, has no bytes, or too many.
    dm_text broken = {"ab\xff", 3}, nothing = {NULL, 5}, endless = {"x", SIZE_MAX}, long_one = {"x", 64u << 20};
    FAILS(dm_connect(node, broken, NONE, NULL, NULL, &error), DM_INVALID_ARGUMENT, "url is not UTF-8");
    FAILS(dm_connect(node, nothing, NONE, NULL, NULL, &error), DM_INVALID_ARGUMENT, "no bytes");
    FAILS(dm_connect(node, T("http://127.0.0.1:9"), nothing, NULL, NULL, &error), DM_INVALID_ARGUMENT, "expect has a length");
    FAILS(dm_connect(node, T("http://127.0.0.1:9"), T("bob"), NULL, NULL, &error), DM_AGENT_ID_INVALID, "expect must be");
    FAILS(dm_send(node, nothing, T("x"), NONE, NULL, NULL, &error), DM_INVALID_ARGUMENT, "to has a length");
    FAILS(dm_send(node, T(id.hex), T("x"), nothing, NULL, NULL, &error), DM_INVALID_ARGUMENT, "options has a length");
    FAILS(dm_disconnect(node, T(id.hex), nothing, &error), DM_INVALID_ARGUMENT, "reason has a length");
    FAILS(dm_receive(node, nothing, 0, &message, &error), DM_INVALID_ARGUMENT, "has a length");
    FAILS(dm_call(node, T("node.info"), nothing, &text, &error), DM_INVALID_ARGUMENT, "arguments has a length");
    FAILS(dm_node_open(nothing, NONE, &out, &error), DM_INVALID_ARGUMENT, "preset has a length");
    FAILS(dm_connect(node, endless, NONE, NULL, NULL, &error), DM_INVALID_ARGUMENT, "longer than");
    FAILS(dm_call(node, T("node.info"), long_one, &text, &error), DM_INVALID_ARGUMENT, "arguments is longer");
    FAILS(dm_node_open(T("ephemeral"), broken, &out, &error), DM_INVALID_ARGUMENT, "settings is not UTF-8");

    // Arguments that mean nothing.
    FAILS(dm_node_open(T("quick"), NONE, &out, &error), DM_INVALID_ARGUMENT, "preset must be");
    FAILS(dm_node_open(T("ephemeral"), T("{\"prot\": 1}"), &out, &error), DM_CONFIG_INVALID, "prot");
    FAILS(dm_node_open(T("ephemeral"), T("["), &out, &error), DM_CONFIG_INVALID, "");
    FAILS(dm_call(node, T("no.verb"), NONE, &text, &error), DM_UNKNOWN_VERB, "no.verb");
    FAILS(dm_call(node, T("peers.get"), T("{"), &text, &error), DM_INVALID_ARGUMENT, "not JSON");
    FAILS(dm_call(node, T("peers.get"), T("{\"agent\": 5}"), &text, &error), DM_INVALID_ARGUMENT, "agent");
    FAILS(dm_send(node, T("bob"), T("x"), NONE, NULL, NULL, &error), DM_AGENT_ID_INVALID, "to must be an agent id");
    FAILS(dm_send(node, T(id.hex), T("x"), T("{\"hops\": -1}"), NULL, NULL, &error), DM_INVALID_ARGUMENT, "options");
    FAILS(dm_send(node, T(id.hex), T("x"), T("{\"to\": 1}"), NULL, NULL, &error), DM_INVALID_ARGUMENT, "argument of its own");
    FAILS(dm_receive(node, T("{\"kinds\": [\"x\"]}"), 0, &message, &error), DM_INVALID_ARGUMENT, "options");
    FAILS(dm_log_set(9, (dm_log_handler)(void (*)(void))abort, NULL, NULL, &error), DM_INVALID_ARGUMENT, "most");

    // No failure wrote a result.
    CHECK(out == SCRIBBLE && message == SCRIBBLE && text.data == SCRIBBLE && text.len == 7);

    // A handle that was freed, through another variable.
    dm_node_free(&node);
    CHECK(node == NULL);
    FAILS(dm_call(copy, T("node.info"), NONE, &text, &error), DM_INVALID_HANDLE, "was freed before");
    CHECK(dm_node_is_closed(copy) && dm_node_local_token(copy).data == NULL);
    dm_node_free(&copy);
    CHECK(copy == NULL);
    // Its events tell that it is over.
    dm_string event = {NULL, 0};
    dm_status status;
    while ((status = dm_events_next(events, 10000, &event, &error)) == DM_OK) dm_string_free(&event);
    CHECK(status == DM_CLOSED);
    dm_error_clear(&error);
    dm_events_free(&events);

    CHECK(strcmp(dm_status_name(DM_INVALID_HANDLE).data, "invalid_handle") == 0);
    CHECK(strcmp(dm_status_name(DM_OK).data, "ok") == 0 && dm_status_name(99999).data == NULL);
    puts("misuse: passed");
    return 0;
}
