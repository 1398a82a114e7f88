// Two agents in one C++ program: a question and its answer.

#include <dmagent.hpp>

#include <iostream>
#include <thread>

int main() {
    dmagent::Node alice(R"({"display_name": "alice", "ephemeral": true})");
    dmagent::Node bob(R"({"display_name": "bob", "ephemeral": true})");
    auto peer = alice.connect(bob.url());

    std::thread answering([&] {
        auto question = bob.receive(std::nullopt, R"({"kinds": ["peer"]})");
        std::cout << "bob is asked: " << question->content() << std::endl;
        question->reply("42");
        question->acknowledge();
    });
    auto answer = alice.ask(peer.agent_id, "6 times 7?", std::chrono::seconds(10));
    answering.join();
    std::cout << "alice hears: " << answer.content() << std::endl;
    answer.acknowledge();
    alice.close();
    bob.close();
}
