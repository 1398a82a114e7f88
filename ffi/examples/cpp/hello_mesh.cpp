// Two agents meet, and one greets the other.

#include <dmagent.hpp>

#include <iostream>

int main() {
    // On loopback; nothing on disk: for trying and testing.
    dmagent::Node alice(R"({"http": true})", "ephemeral"), bob(R"({"http": true})", "ephemeral");
    auto peer = alice.connect(bob.url());
    auto receipt = alice.send(peer.agent_id, "Hello, mesh!");
    std::cout << "alice's message is " << (receipt.accepted() ? "accepted" : "not accepted") << std::endl;

    auto message = bob.receive(std::nullopt, R"({"kinds": ["peer"]})");
    std::cout << "bob reads: " << message->content() << std::endl;
    message->acknowledge(); // before this line a crash brings it back
}
