// A program that decides: whom to connect to, what to take, where it goes.

#include "check.h"
#include <stdatomic.h>
#include <unistd.h>

typedef struct {
    const char *friend_id;
    atomic_int asked, drops;
    bool sleeps;
} guard;

static void admit_connection(void *context, dm_text question, dm_verdict *verdict) {
    guard *mine = context;
    atomic_fetch_add(&mine->asked, 1);
    if (strstr(question.data, mine->friend_id)) dm_verdict_accept(verdict);
    else dm_verdict_refuse(verdict, T("friends only"));
}

static void admit_message(void *context, dm_text question, dm_verdict *verdict) {
    guard *mine = context;
    if (mine->sleeps) usleep(3000000);
    if (strstr(question.data, "buy now")) dm_verdict_refuse(verdict, T("no advertisements"));
}

static void route(void *context, dm_text question, dm_verdict *verdict) {
    (void)context;
    if (strstr(question.data, "forget me")) dm_verdict_drop(verdict);
    else if (strstr(question.data, "nonsense")) dm_verdict_forward(verdict, T("{"));
    else dm_verdict_keep(verdict);
}

static void dropped(void *context) {
    atomic_fetch_add(&((guard *)context)->drops, 1);
}

int main(void) {
    dm_error error;
    dm_node *door = NULL, *friend = ephemeral("friend"), *stranger = ephemeral("stranger");
    OK(dm_node_open(NONE, T("{\"ephemeral\": true, \"policy_timeout_ms\": 1500}"), &door, &error));
    dm_agent_id friend_id, door_id;
    OK(dm_node_agent_id(friend, &friend_id, &error));
    OK(dm_node_agent_id(door, &door_id, &error));
    dm_string url = {NULL, 0};
    OK(dm_node_url(door, &url, &error));

    guard mine = {friend_id.hex, 0, 0, false};
    dm_policy policy = {&mine, admit_connection, admit_message, route, dropped};
    OK(dm_node_set_policy(door, &policy, &error));

    FAILS(dm_connect(stranger, T(url.data), NONE, NULL, NULL, &error), DM_PEER_REFUSED, "friends only");
    bool pending = true;
    OK(dm_connect(friend, T(url.data), T(door_id.hex), NULL, &pending, &error));
    CHECK(!pending && mine.asked >= 2);

    dm_delivery_state delivered;
    dm_string receipt = {NULL, 0};
    OK(dm_send(friend, T(door_id.hex), T("buy now"), NONE, &delivered, &receipt, &error));
    CHECK(delivered == DM_DELIVERY_REFUSED && strstr(receipt.data, "no advertisements"));
    dm_string_free(&receipt);
    OK(dm_send(friend, T(door_id.hex), T("forget me"), NONE, &delivered, NULL, &error));
    OK(dm_send(friend, T(door_id.hex), T("keep me"), NONE, &delivered, NULL, &error));
    CHECK(delivered == DM_DELIVERY_ACCEPTED);
    dm_message *message = NULL;
    OK(dm_receive(door, T("{\"kinds\": [\"peer\"]}"), 10000, &message, &error));
    CHECK(same(dm_message_content(message), "keep me"));
    OK(dm_acknowledge(message, NULL, &error));
    dm_message_free(&message);

    // A handler that is late means the safe answer: refused for now, and sent again later.
    mine.sleeps = true;
    OK(dm_send(friend, T(door_id.hex), T("slowly"), T("{\"timeout_secs\": 20}"), &delivered, NULL, &error));
    CHECK(delivered == DM_DELIVERY_STORED);
    mine.sleeps = false;

    // Another policy, then none: each context is dropped once, and before the call returns.
    guard other = {friend_id.hex, 0, 0, false};
    dm_policy second = {&other, NULL, NULL, NULL, dropped};
    OK(dm_node_set_policy(door, &second, &error));
    CHECK(mine.drops == 1 && other.drops == 0);
    OK(dm_node_set_policy(door, NULL, &error));
    CHECK(other.drops == 1);
    second.context = &mine;
    CHECK(dm_node_set_policy(NULL, &second, NULL) == DM_INVALID_ARGUMENT && mine.drops == 2);

    OK(dm_node_set_policy(door, &second, &error));
    dm_string_free(&url);
    dm_node_free(&door);
    CHECK(mine.drops == 3);
    dm_node_free(&friend);
    dm_node_free(&stranger);
    puts("policy: passed");
    return 0;
}
