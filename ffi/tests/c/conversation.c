// Two nodes of one process: a message, its answer, a question, trust, signatures, every verb by name.

#include "check.h"

int main(void) {
    dm_error error;
    OK(dm_check_abi(DM_ABI_VERSION, &error));
    FAILS(dm_check_abi(DM_ABI_VERSION + 1, &error), DM_INVALID_ARGUMENT, "another version");
    CHECK(dm_version().len == strlen(dm_version().data));

    dm_node *alice = ephemeral("alice"), *bob = ephemeral("bob");
    dm_agent_id to_bob = introduce(alice, bob), to_alice;
    OK(dm_node_agent_id(alice, &to_alice, &error));
    CHECK(dm_node_local_token(alice).len > 16 && !dm_node_is_closed(alice));

    dm_delivery_state delivered = DM_DELIVERY_FAILED;
    dm_string receipt = {NULL, 0};
    OK(dm_send(alice, T(to_bob.hex), T("6 times 7?"), T("{\"metadata\": {\"n\": 1}}"), &delivered, &receipt, &error));
    CHECK(delivered == DM_DELIVERY_ACCEPTED && strstr(receipt.data, "\"accepted\""));
    dm_string_free(&receipt);
    dm_string_free(&receipt);

    dm_message *message = NULL;
    OK(dm_receive(bob, T("{\"kinds\": [\"peer\"]}"), 10000, &message, &error));
    CHECK(same(dm_message_content(message), "6 times 7?") && same(dm_message_from(message), to_alice.hex));
    CHECK(same(dm_message_metadata(message), "{\"n\":1}") && dm_message_in_reply_to(message).data == NULL);
    CHECK(dm_message_kind_of(message) == DM_MESSAGE_PEER);
    CHECK(dm_message_verification(message) == DM_VERIFIED_SEALED);
    CHECK(dm_message_received_at(message) > 1600000000000000 && dm_message_redeliveries(message) == 0);
    CHECK(!dm_message_wants_stream(message));
    CHECK(strstr(dm_message_json(message).data, "\"content\":\"6 times 7?\""));
    OK(dm_reply(message, T("42"), NONE, &delivered, NULL, &error));
    bool stored = false;
    OK(dm_acknowledge(message, &stored, &error));
    CHECK(stored);
    FAILS(dm_acknowledge(message, NULL, &error), DM_MESSAGE_UNKNOWN, "acknowledged before");
    FAILS(dm_release(message, 0, &error), DM_MESSAGE_UNKNOWN, "given back before");
    dm_message_free(&message);
    CHECK(message == NULL);

    // A text with a NUL inside: the length counts. What is dropped, or given back, comes again.
    dm_text odd = {"a\0b", 3};
    OK(dm_send(bob, T(to_alice.hex), odd, NONE, NULL, NULL, &error));
    OK(dm_receive(alice, T("{\"kinds\": [\"peer\"]}"), 10000, &message, &error));
    CHECK(same(dm_message_content(message), "42") && dm_message_in_reply_to(message).len > 0);
    OK(dm_acknowledge(message, NULL, &error));
    dm_message_free(&message);
    for (uint32_t times = 0; times < 3; times++) {
        OK(dm_receive(alice, T("{\"kinds\": [\"peer\"]}"), 10000, &message, &error));
        CHECK(dm_message_content(message).len == 3 && memcmp(dm_message_content(message).data, "a\0b", 4) == 0);
        CHECK(dm_message_redeliveries(message) == times);
        if (times == 0) OK(dm_release(message, 0, &error));
        if (times == 2) OK(dm_acknowledge(message, NULL, &error));
        dm_message_free(&message);
    }
    OK(dm_receive(alice, T("{\"kinds\": [\"peer\"]}"), 0, &message, &error));
    CHECK(message == NULL);

    // A question whose answer nobody else gets.
    // Whoever waits for ever waits for the answer; here nobody is asked.
    FAILS(dm_ask(alice, T("00"), T("anybody?"), NONE, INT64_MAX, &message, &error), DM_AGENT_ID_INVALID, "agent id");
    char nobody[65];
    memset(nobody, '1', 64);
    nobody[64] = '\0';
    FAILS(dm_ask(alice, T(nobody), T("anybody?"), NONE, INT64_MAX, &message, &error), DM_PEER_NOT_CONNECTED, "connect");
    FAILS(dm_ask(alice, T(to_bob.hex), T("anybody?"), NONE, 50, &message, &error), DM_TIMEOUT, "no answer");
    // It was taken back with that; bob may have seen it before.
    for (;;) {
        OK(dm_receive(bob, NONE, 200, &message, &error));
        if (message == NULL) break;
        OK(dm_acknowledge(message, NULL, &error));
        dm_message_free(&message);
    }

    double score = 9;
    bool known = true;
    // Messages on their way to bob would move the score of bob.
    OK(dm_trust_set(alice, T(nobody), -0.25, T("never answers"), &error));
    OK(dm_trust_get(alice, T(nobody), &score, &known, &error));
    CHECK(score == -0.25 && known);
    FAILS(dm_trust_set(alice, T(to_bob.hex), 1.5, NONE, &error), DM_TRUST_OUT_OF_RANGE, "1");
    FAILS(dm_trust_get(bob, T("bob"), &score, &known, &error), DM_AGENT_ID_INVALID, "agent_id must be");

    dm_string signature = {NULL, 0};
    bool valid = false;
    OK(dm_passport_sign(alice, T("I owe you 5"), T("debts"), &signature, &error));
    OK(dm_passport_verify(bob, T(to_alice.hex), T("I owe you 5"), T("debts"), T(signature.data), &valid, &error));
    CHECK(signature.len == 128 && valid);
    OK(dm_passport_verify(bob, T(to_alice.hex), T("I owe you 6"), T("debts"), T(signature.data), &valid, &error));
    CHECK(!valid);
    dm_string_free(&signature);

    dm_string result = {NULL, 0};
    OK(dm_call(bob, T("peers.list"), NONE, &result, &error));
    CHECK(result.data[0] == '[' && result.data[result.len] == '\0' && strstr(result.data, to_alice.hex));
    dm_string_free(&result);
    OK(dm_call(bob, T("node.update"), T("{\"bio\": \"counts\"}"), NULL, &error));

    OK(dm_disconnect(alice, T(to_bob.hex), T("enough"), &error));
    FAILS(dm_send(alice, T(to_bob.hex), T("still there?"), NONE, NULL, NULL, &error), DM_PEER_NOT_CONNECTED, "connect");

    OK(dm_node_close(alice, &error));
    OK(dm_node_close(alice, &error));
    CHECK(dm_node_is_closed(alice));
    FAILS(dm_receive(alice, NONE, 1000, &message, &error), DM_CLOSED, "closed");
    dm_node_free(&alice);
    dm_node_free(&alice);
    dm_node_free(&bob);
    puts("conversation: passed");
    return 0;
}
