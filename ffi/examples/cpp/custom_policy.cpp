// An agent that decides for itself whom it talks to.
//
// Questions are JSON text; a program with more to decide reads them with a library for JSON. Here it is enough to look for
// a member: a quotation mark in somebody else's text has a backslash before it, so no text can pass for a member.

#include <dmagent.hpp>

#include <iostream>

static bool holds(std::string_view question, std::string_view member) {
    return question.find(member) != std::string_view::npos;
}

// Lets a friend in, takes no advertisements, and does not disturb the agent with chatter.
static dmagent::Policy doorkeeper(const std::string &friend_id) {
    dmagent::Policy policy;
    // The id is proven; the name is whatever the other side likes.
    policy.admit_connection = [member = R"("agent_id":")" + friend_id + '"'](std::string_view question, dm_verdict *verdict) {
        if (holds(question, member)) dm_verdict_accept(verdict);
        else dm_verdict_refuse(verdict, dm_text_of("I only talk to friends"));
    };
    policy.admit_message = [](std::string_view question, dm_verdict *verdict) {
        if (holds(question, R"("content":"Buy now)")) dm_verdict_refuse(verdict, dm_text_of("No advertisements"));
        else dm_verdict_accept(verdict);
    };
    // A handler that writes no verdict leaves the decision to the settings.
    policy.route = [](std::string_view question, dm_verdict *verdict) {
        if (holds(question, R"("type":"chatter")")) dm_verdict_drop(verdict);
    };
    return policy;
}

static const char *word(dm_delivery_state state) {
    static const char *const words[] = {"failed",    "stored",   "accepted", "delivered",
                                        "handled", "answered", "refused",  "expired"};
    return words[state];
}

int main() {
    dmagent::Node alice(R"({"display_name": "alice", "http": true})", "ephemeral");
    dmagent::Node mallory(R"({"display_name": "mallory", "http": true})", "ephemeral");
    dmagent::Node bob(R"({"display_name": "bob", "http": true})", "ephemeral");
    bob.set_policy(doorkeeper(alice.agent_id()));

    try {
        mallory.connect(bob.url());
    } catch (const dmagent::Error &error) {
        if (error.status() != DM_PEER_REFUSED) throw;
        std::cout << "mallory is refused: " << error.name() << std::endl;
    }
    auto peer = alice.connect(bob.url());
    std::cout << "alice is " << (peer.pending ? "pending" : "connected") << std::endl;

    auto advertisement = alice.send(peer.agent_id, "Buy now!");
    std::cout << "the advertisement is " << word(advertisement.state) << std::endl;
    alice.send(peer.agent_id, "Nice weather", R"({"metadata": {"type": "chatter"}})");
    alice.send(peer.agent_id, "Your house is on fire");
    auto message = bob.receive(std::nullopt, R"({"kinds": ["peer"]})");
    std::cout << "bob reads: " << message->content() << std::endl;
    message->acknowledge();

    for (auto *node : {&alice, &mallory, &bob}) node->close();
}
