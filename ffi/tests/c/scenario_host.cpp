// The host of the scenarios for C++; `core/tests/scenarios/README.md` has its protocol. It reads its commands as words
// (`core/tests/driver/words.rs`), and uses the members of the classes where there are some.

#include <dmagent.hpp>

#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

namespace {

using Milliseconds = std::chrono::milliseconds;

std::string unescaped(const std::string &word) {
    std::string text;
    for (std::size_t at = 0; at < word.size(); at++) {
        if (word[at] != '%') text += word[at];
        else {
            text += static_cast<char>(std::stoi(word.substr(at + 1, 2), nullptr, 16));
            at += 2;
        }
    }
    return text;
}

std::string json(std::string_view text) {
    std::ostringstream quoted;
    quoted << '"';
    for (unsigned char c : text) {
        char escaped[7] = {static_cast<char>(c)};
        if (c == '"' || c == '\\') std::snprintf(escaped, sizeof escaped, "\\%c", c);
        if (c < 0x20) std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
        quoted << escaped;
    }
    quoted << '"';
    return quoted.str();
}

struct Member {
    std::string value;
    bool is_text; // else the value is JSON
};

struct Command {
    std::string id, kind, subject, arguments;
    std::map<std::string, Member> members;

    explicit Command(const std::string &line) {
        std::istringstream words(line);
        std::string word;
        for (std::string *part : {&id, &kind, &subject, &arguments}) {
            std::getline(words, word, '\t');
            *part = unescaped(word);
        }
        while (std::getline(words, word, '\t')) {
            std::size_t equals = word.find('=');
            bool is_text = word[equals - 1] != ':';
            members[unescaped(word.substr(0, is_text ? equals : equals - 1))] = {unescaped(word.substr(equals + 1)), is_text};
        }
    }

    bool has(const std::string &name) const { return members.count(name) > 0; }
    std::optional<std::string_view> maybe(const std::string &name) const {
        return has(name) ? std::optional<std::string_view>(members.at(name).value) : std::nullopt;
    }
    std::string get(const std::string &name) const { return has(name) ? members.at(name).value : std::string(); }
    std::optional<Milliseconds> span(const std::string &name) const {
        return has(name) ? std::optional(Milliseconds(static_cast<std::int64_t>(std::stod(get(name)) * 1000))) : std::nullopt;
    }

    // Every member but those named, as a JSON object.
    std::string others(std::vector<std::string> but) const {
        std::string object;
        for (const auto &[name, member] : members) {
            bool named = false;
            for (const std::string &other : but) named = named || name == other;
            if (named) continue;
            object += (object.empty() ? "" : ",") + json(name) + ":" + (member.is_text ? json(member.value) : member.value);
        }
        return "{" + object + "}";
    }
};

class Host {
  public:
    void obey(const Command &given) {
        try {
            say("{\"id\":" + given.id + ",\"ok\":" + done(given) + "}");
        } catch (const dmagent::Error &error) {
            say("{\"id\":" + given.id + ",\"error\":{\"code\":" + json(error.name()) + ",\"number\":" +
                std::to_string(error.status()) + ",\"retryable\":" + (error.retryable() ? "true" : "false") +
                ",\"message\":" + json(error.what()) + ",\"context\":" + error.context() + "}}");
        } catch (const std::exception &error) {
            say("{\"id\":" + given.id + ",\"fault\":" + json(error.what()) + "}");
        }
    }

    // The end of the input: whoever still waits hears that the node is closed.
    void end() {
        if (node_) node_->close();
    }

    ~Host() { forget(); }

  private:
    std::string done(const Command &given) {
        if (given.kind == "open") {
            auto fresh = std::make_unique<dmagent::Node>(given.arguments);
            forget();
            node_ = std::move(fresh);
            return "{\"agent_id\":" + json(node_->agent_id()) + ",\"url\":" + json(node_->url()) +
                   ",\"token\":" + json(node_->local_token()) + "}";
        }
        if (given.kind == "events") {
            listener_ = std::thread([this, id = given.id, events = node_->events()]() mutable { listen(id, events); });
            return "null";
        }
        if (given.kind == "close") {
            node_->close();
            return "null";
        }
        return given.kind == "by_name" ? node_->call(given.subject, given.arguments) : call(given);
    }

    std::string call(const Command &given) {
        const std::string &verb = given.subject;
        if (verb == "messages.acknowledge" || verb == "messages.release")
            if (auto message = take(std::stoull(given.get("sequence")))) {
                if (verb == "messages.acknowledge") return message->acknowledge() ? "true" : "false";
                message->release(given.span("delay_secs").value_or(Milliseconds(0)));
                return "true";
            }
        if (verb == "peers.connect") {
            auto peer = node_->connect(given.get("url"), given.maybe("expect"));
            return "{\"agent_id\":" + json(peer.agent_id) + ",\"state\":\"" + (peer.pending ? "pending" : "connected") + "\"}";
        }
        if (verb == "peers.disconnect") {
            node_->disconnect(given.get("agent"), given.maybe("reason"));
            return "null";
        }
        // Several recipients are for the call by name.
        if (verb == "messages.send" && given.has("to") && given.members.at("to").is_text)
            return node_->send(given.get("to"), given.get("content"), given.others({"to", "content"})).json;
        if (verb == "messages.ask")
            return hold(node_->ask(given.get("to"), given.get("content"), given.span("timeout_secs"),
                                   given.others({"to", "content", "timeout_secs"})));
        if (verb == "messages.next") {
            auto message = node_->receive(given.span("timeout_secs"), given.others({"timeout_secs"}));
            return message ? hold(std::move(*message)) : "null";
        }
        if (verb == "trust.get" || verb == "trust.set") {
            if (verb == "trust.set") node_->set_trust(given.get("agent"), std::stod(given.get("score")), given.maybe("note"));
            auto score = node_->trust(given.get("agent"));
            return score ? "{\"agent_id\":" + json(given.get("agent")) + ",\"score\":" + std::to_string(*score) + "}" : "null";
        }
        if (verb == "passport.sign")
            return "{\"agent_id\":" + json(node_->agent_id()) +
                   ",\"signature\":" + json(node_->sign(given.get("data"), given.get("context"))) + "}";
        if (verb == "passport.verify")
            return node_->verify(given.get("agent"), given.get("data"), given.get("signature"), given.get("context")) ? "true"
                                                                                                                       : "false";
        return node_->call(verb, given.arguments);
    }

    void listen(const std::string &id, dmagent::Events &events) {
        try {
            while (auto event = events.next()) say("{\"id\":" + id + ",\"event\":" + *event + "}");
        } catch (const dmagent::Error &error) {
            // The node is closed, and all was read.
            if (error.status() != DM_CLOSED) say("{\"id\":" + id + ",\"fault\":" + json(error.what()) + "}");
        }
    }

    std::string hold(dmagent::Message message) {
        std::string told(message.json());
        std::lock_guard guard(lock_);
        held_.insert_or_assign(message.sequence(), std::move(message));
        return told;
    }

    std::optional<dmagent::Message> take(std::uint64_t sequence) {
        std::lock_guard guard(lock_);
        auto found = held_.extract(sequence);
        return found ? std::optional(std::move(found.mapped())) : std::nullopt;
    }

    // A node that is closed ends its listener.
    void forget() {
        held_.clear();
        if (listener_.joinable()) listener_.join();
        node_.reset();
    }

    void say(const std::string &line) {
        std::lock_guard guard(lock_);
        std::cout << line << std::endl;
    }

    std::mutex lock_;
    std::unique_ptr<dmagent::Node> node_;
    std::map<std::uint64_t, dmagent::Message> held_;
    std::thread listener_;
};

} // namespace

int main() {
    dmagent::check_abi();
    Host host;
    std::vector<std::thread> running;
    for (std::string line; std::getline(std::cin, line);)
        running.emplace_back([&host, given = Command(line)] { host.obey(given); });
    host.end();
    for (std::thread &thread : running) thread.join();
}
