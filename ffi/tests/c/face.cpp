// The face for C++: handles that end themselves, exceptions, handlers.

#include <dmagent.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

using namespace std::chrono_literals;

static void check(bool holds, const char *what) {
    if (holds) return;
    std::fprintf(stderr, "this does not hold: %s\n", what);
    std::abort();
}

#define CHECK(condition) check((condition), #condition)

template <typename Call> static dmagent::Error failure(Call &&call) {
    try {
        call();
    } catch (const dmagent::Error &error) {
        return error;
    }
    std::fputs("this should have failed\n", stderr);
    std::abort();
}

static constexpr std::string_view PLAIN = R"({"ephemeral": true})";

int main() {
    dmagent::check_abi();
    CHECK(!dmagent::version().empty());

    dmagent::Node alice(PLAIN), bob(R"({"ephemeral": true, "display_name": "bob"})");
    auto events = alice.events();
    std::atomic<int> told{0};
    auto subscription = alice.subscribe([&](std::string_view event) { told += !event.empty(); });
    CHECK(failure([&] { alice.subscribe({}); }).status() == DM_INVALID_ARGUMENT);
    auto peer = alice.connect(bob.url(), bob.agent_id());
    CHECK(peer.agent_id == bob.agent_id() && !peer.pending);
    CHECK(events.next(10s)->find("\"type\"") != std::string::npos);

    std::thread answering([&] {
        for (int answered = 0; answered < 2;) {
            auto message = bob.receive(10s, R"({"kinds": ["peer"]})");
            CHECK(message && message->verification() == DM_VERIFIED_SEALED);
            if (message->content() == "6 times 7?") CHECK(message->reply("42").accepted());
            CHECK(message->acknowledge());
            answered++;
        }
    });
    auto answer = alice.ask(peer.agent_id, "6 times 7?", 10s);
    CHECK(answer.content() == "42" && answer.from() == bob.agent_id() && answer.in_reply_to());
    answer.acknowledge();
    CHECK(alice.send(peer.agent_id, "thanks", R"({"metadata": {"polite": true}})").accepted());
    answering.join();
    CHECK(!bob.receive(0ms, R"({"kinds": ["peer"]})"));

    CHECK(!alice.trust(std::string(64, '0')));
    alice.set_trust(peer.agent_id, 0.5, "knows the tables");
    CHECK(alice.trust(peer.agent_id) == 0.5);
    auto signature = alice.sign("a text", "a purpose");
    CHECK(bob.verify(alice.agent_id(), "a text", signature, "a purpose"));
    CHECK(!bob.verify(alice.agent_id(), "a text", signature, "another"));
    CHECK(alice.call("peers.list").find(bob.agent_id()) != std::string::npos);

    auto error = failure([&] { alice.connect("ftp://x"); });
    CHECK(error.status() == DM_URL_INVALID && error.name() == "url_invalid" && !error.retryable());
    CHECK(failure([&] { alice.send("bob", "hello"); }).status() == DM_AGENT_ID_INVALID);
    CHECK(failure([] { dmagent::Node wrong(R"({"prot": 1})"); }).context().front() == '{');
    CHECK(failure([&] { alice.ask(peer.agent_id, "anybody?", 10ms); }).status() == DM_TIMEOUT);

    bob.set_policy(dmagent::Policy{
        nullptr,
        [](std::string_view question, dm_verdict *verdict) {
            if (question.find("buy now") != question.npos) dm_verdict_refuse(verdict, dm_text_of("no"));
        },
        nullptr,
    });
    CHECK(alice.send(peer.agent_id, "buy now").state == DM_DELIVERY_REFUSED);
    CHECK(alice.send(peer.agent_id, "keep it").accepted());
    bob.set_policy(std::nullopt);

    for (int turn = 0; turn < 2000 && told == 0; turn++) std::this_thread::sleep_for(5ms);
    CHECK(told > 0);
    subscription.reset();
    dmagent::Node moved = std::move(alice);
    moved.close();
    CHECK(moved.closed());
    std::puts("face: passed");
}
