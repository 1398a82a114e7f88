// Two agents in one process ask and answer.

#include <dmagent.hpp>

#include <iostream>
#include <thread>

// Answers questions until somebody says goodbye.
static void answer(dmagent::Node &node) {
    for (bool goodbye = false; !goodbye;) {
        auto message = node.receive(std::nullopt, R"({"kinds": ["peer"]})");
        goodbye = message->content() == "Goodbye";
        if (!goodbye) {
            std::cout << "bob is asked: " << message->content() << std::endl;
            message->reply("42");
        }
        // Only now: what was not acknowledged comes again, also after a crash.
        message->acknowledge();
    }
}

int main() {
    dmagent::Node alice(R"({"display_name": "alice", "http": true})", "ephemeral");
    dmagent::Node bob(R"({"display_name": "bob", "http": true})", "ephemeral");
    std::thread answering(answer, std::ref(bob));
    auto peer = alice.connect(bob.url());
    std::cout << "alice is " << (peer.pending ? "pending" : "connected") << std::endl;

    auto heard = alice.ask(peer.agent_id, "What is the answer?");
    std::cout << "alice hears: " << heard.content() << std::endl;
    heard.acknowledge();

    alice.set_trust(peer.agent_id, 0.8, "answers questions");
    std::cout << "alice trusts bob: " << alice.trust(peer.agent_id).value() << std::endl;
    alice.send(peer.agent_id, "Goodbye");
    answering.join();
    alice.close();
    bob.close();
}
