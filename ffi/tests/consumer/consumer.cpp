// A program of somebody else, built against an installed library.

#include <dmagent.hpp>
#include <iostream>

int main() {
    dmagent::check_abi();
    dmagent::Node node(std::nullopt, "ephemeral");
    std::cout << dmagent::version() << ' ' << node.agent_id() << '\n';
}
