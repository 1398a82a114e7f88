// dmagent for C++17: the functions of dmagent.h with handles that end themselves, and exceptions.
//
// Everything here is inline and nothing is kept but the C handle. The rules at the head of dmagent.h hold. A function
// that fails throws `dmagent::Error`. Handles move and are not copied; one that was moved from, or closed by `reset`, may
// only be destroyed or assigned to. Handlers are any callable; what they throw ends the program, as for a thread.

#ifndef DMAGENT_HPP
#define DMAGENT_HPP

#include "dmagent.h"

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace dmagent {

// What a failed call tells.
class Error : public std::runtime_error {
  public:
    explicit Error(const dm_error &told)
        : std::runtime_error(std::string(told.message.data ? told.message.data : "", told.message.len)),
          status_(told.status), retryable_(told.retryable), name_(told.name ? told.name : ""),
          context_(told.context.data ? told.context.data : "{}") {}

    // The number, one of the constants `DM_...`.
    dm_status status() const noexcept { return status_; }
    // Whether the same call may succeed later.
    bool retryable() const noexcept { return retryable_; }
    // The name, such as `invalid_argument`.
    const std::string &name() const noexcept { return name_; }
    // The facts of the case, a JSON object of texts.
    const std::string &context() const noexcept { return context_; }

  private:
    dm_status status_;
    bool retryable_;
    std::string name_, context_;
};

namespace detail {

// Passes the last argument of a C function, and throws what it tells.
template <typename Call> void check(Call &&call) {
    dm_error error = {};
    if (call(&error) == DM_OK) return;
    struct Clear {
        dm_error &error;
        ~Clear() { dm_error_clear(&error); }
    } clear{error};
    throw Error(error);
}

inline dm_text text(std::string_view view) noexcept {
    // An empty text is a text all the same.
    dm_text text = {view.data() ? view.data() : "", view.size()};
    return text;
}

inline dm_text text(const std::optional<std::string_view> &view) noexcept {
    return view ? text(*view) : dm_no_text();
}

inline std::string taken(dm_string &string) {
    struct Free {
        dm_string &string;
        ~Free() { dm_string_free(&string); }
    } free{string};
    return std::string(string.data ? string.data : "", string.len);
}

inline std::string_view view(dm_text text) noexcept {
    return text.data ? std::string_view(text.data, text.len) : std::string_view();
}

// Negative for as long as it takes.
inline std::int64_t milliseconds(std::optional<std::chrono::milliseconds> span) noexcept {
    return span ? static_cast<std::int64_t>(span->count() < 0 ? 0 : span->count()) : -1;
}

template <typename Handle, void (*End)(Handle **)> struct Ender {
    void operator()(Handle *handle) const noexcept { End(&handle); }
};

template <typename Handle, void (*End)(Handle **)> using Owned = std::unique_ptr<Handle, Ender<Handle, End>>;

} // namespace detail

// The version of the library.
inline std::string version() { return std::string(detail::view(dm_version())); }

// Throws when the library does not fit this header.
inline void check_abi() {
    detail::check([](dm_error *error) { return dm_check_abi(DM_ABI_VERSION, error); });
}

// How far a message got, and the same in full as JSON.
struct Receipt {
    dm_delivery_state state = DM_DELIVERY_FAILED;
    std::string json;

    bool accepted() const noexcept { return state == DM_DELIVERY_ACCEPTED; }
};

// Who answered a connection request, and whether somebody there has yet to decide.
struct Connected {
    std::string agent_id;
    bool pending = false;
};

// A received message. What it tells is data of another agent, never instructions; the views live as long as it does.
class Message {
  public:
    explicit Message(dm_message *message) noexcept : handle_(message) {}

    std::string_view id() const noexcept { return detail::view(dm_message_id(get())); }
    std::string_view from() const noexcept { return detail::view(dm_message_from(get())); }
    std::string_view content() const noexcept { return detail::view(dm_message_content(get())); }
    std::string_view metadata() const noexcept { return detail::view(dm_message_metadata(get())); }
    std::string_view json() const noexcept { return detail::view(dm_message_json(get())); }
    std::optional<std::string_view> in_reply_to() const noexcept {
        dm_text text = dm_message_in_reply_to(get());
        return text.data ? std::optional(detail::view(text)) : std::nullopt;
    }
    dm_message_kind kind() const noexcept { return dm_message_kind_of(get()); }
    dm_verification verification() const noexcept { return dm_message_verification(get()); }
    std::uint64_t sequence() const noexcept { return dm_message_sequence(get()); }
    std::chrono::microseconds received_at() const noexcept {
        return std::chrono::microseconds(dm_message_received_at(get()));
    }
    std::uint32_t redeliveries() const noexcept { return dm_message_redeliveries(get()); }
    bool wants_stream() const noexcept { return dm_message_wants_stream(get()); }

    // Answers it. `options` as for `Node::send`.
    Receipt reply(std::string_view content, std::optional<std::string_view> options = std::nullopt) {
        Receipt receipt;
        dm_string json = {};
        detail::check([&](dm_error *error) {
            return dm_reply(get(), detail::text(content), detail::text(options), &receipt.state, &json, error);
        });
        receipt.json = detail::taken(json);
        return receipt;
    }

    // Removes it for good: it is handled. False while the disk is full and memory alone knows it.
    bool acknowledge() {
        bool stored = false;
        detail::check([&](dm_error *error) { return dm_acknowledge(get(), &stored, error); });
        return stored;
    }

    // Gives it back unhandled. One that is only destroyed comes again after a pause.
    void release(std::chrono::milliseconds delay = std::chrono::milliseconds(0)) {
        auto span = static_cast<std::uint64_t>(detail::milliseconds(delay));
        detail::check([&](dm_error *error) { return dm_release(get(), span, error); });
    }

    dm_message *get() const noexcept { return handle_.get(); }

  private:
    detail::Owned<dm_message, dm_message_free> handle_;
};

// Events that the program asks for.
class Events {
  public:
    explicit Events(dm_events *events) noexcept : handle_(events) {}

    // The next event as JSON; nothing when none comes in time. Without a timeout it waits as long as it takes.
    std::optional<std::string> next(std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
        dm_string event = {};
        detail::check([&](dm_error *error) {
            return dm_events_next(get(), detail::milliseconds(timeout), &event, error);
        });
        return event.data ? std::optional(detail::taken(event)) : std::nullopt;
    }

    dm_events *get() const noexcept { return handle_.get(); }

  private:
    detail::Owned<dm_events, dm_events_free> handle_;
};

// Events that a handler is told; destroying this ends the calls.
using Subscription = detail::Owned<dm_subscription, dm_subscription_free>;

// What a program decides. A function that is empty leaves the decision to the settings. Questions are JSON.
struct Policy {
    std::function<void(std::string_view question, dm_verdict *verdict)> admit_connection, admit_message, route;
};

// A node of the mesh.
class Node {
  public:
    // `settings` is a JSON object that changes those of the preset; see `dm_node_open`.
    explicit Node(std::optional<std::string_view> settings = std::nullopt,
                  std::optional<std::string_view> preset = std::nullopt) {
        dm_node *node = nullptr;
        detail::check([&](dm_error *error) {
            return dm_node_open(detail::text(preset), detail::text(settings), &node, error);
        });
        handle_.reset(node);
    }

    std::string agent_id() const {
        dm_agent_id agent;
        detail::check([&](dm_error *error) { return dm_node_agent_id(get(), &agent, error); });
        return agent.hex;
    }

    std::string url() const {
        dm_string url = {};
        detail::check([&](dm_error *error) { return dm_node_url(get(), &url, error); });
        return detail::taken(url);
    }

    std::string_view local_token() const noexcept { return detail::view(dm_node_local_token(get())); }
    bool closed() const noexcept { return dm_node_is_closed(get()); }

    // Closes it with everything queued on disk. Destroying it ends it at once.
    void close() {
        detail::check([&](dm_error *error) { return dm_node_close(get(), error); });
    }

    // Calls any verb of the schema; arguments and result are JSON.
    std::string call(std::string_view verb, std::optional<std::string_view> arguments = std::nullopt) {
        dm_string result = {};
        detail::check([&](dm_error *error) {
            return dm_call(get(), detail::text(verb), detail::text(arguments), &result, error);
        });
        return detail::taken(result);
    }

    // Asks the node at `url` for a connection; `expect` is who must answer there.
    Connected connect(std::string_view url, std::optional<std::string_view> expect = std::nullopt) {
        dm_agent_id agent;
        Connected connected;
        detail::check([&](dm_error *error) {
            return dm_connect(get(), detail::text(url), detail::text(expect), &agent, &connected.pending, error);
        });
        connected.agent_id = agent.hex;
        return connected;
    }

    void disconnect(std::string_view peer, std::optional<std::string_view> reason = std::nullopt) {
        detail::check(
            [&](dm_error *error) { return dm_disconnect(get(), detail::text(peer), detail::text(reason), error); });
    }

    // `options` is a JSON object with more members of the verb `messages.send`.
    Receipt send(std::string_view to, std::string_view content,
                 std::optional<std::string_view> options = std::nullopt) {
        Receipt receipt;
        dm_string json = {};
        detail::check([&](dm_error *error) {
            return dm_send(get(), detail::text(to), detail::text(content), detail::text(options), &receipt.state,
                           &json, error);
        });
        receipt.json = detail::taken(json);
        return receipt;
    }

    // Sends a message and waits for the answer to it.
    Message ask(std::string_view to, std::string_view content,
                std::optional<std::chrono::milliseconds> timeout = std::nullopt,
                std::optional<std::string_view> options = std::nullopt) {
        dm_message *answer = nullptr;
        detail::check([&](dm_error *error) {
            return dm_ask(get(), detail::text(to), detail::text(content), detail::text(options),
                          detail::milliseconds(timeout), &answer, error);
        });
        return Message(answer);
    }

    // The next message; nothing when none comes in time. Without a timeout it waits as long as it takes.
    std::optional<Message> receive(std::optional<std::chrono::milliseconds> timeout = std::nullopt,
                                   std::optional<std::string_view> filter = std::nullopt) {
        dm_message *message = nullptr;
        detail::check([&](dm_error *error) {
            return dm_receive(get(), detail::text(filter), detail::milliseconds(timeout), &message, error);
        });
        return message ? std::optional<Message>(std::in_place, message) : std::nullopt;
    }

    // What we think of an agent, -1 to 1; nothing when we have no impression.
    std::optional<double> trust(std::string_view agent) {
        double score = 0;
        bool known = false;
        detail::check(
            [&](dm_error *error) { return dm_trust_get(get(), detail::text(agent), &score, &known, error); });
        return known ? std::optional(score) : std::nullopt;
    }

    void set_trust(std::string_view agent, double score, std::optional<std::string_view> note = std::nullopt) {
        detail::check([&](dm_error *error) {
            return dm_trust_set(get(), detail::text(agent), score, detail::text(note), error);
        });
    }

    std::string sign(std::string_view data, std::string_view context = "") {
        dm_string signature = {};
        detail::check([&](dm_error *error) {
            return dm_passport_sign(get(), detail::text(data), detail::text(context), &signature, error);
        });
        return detail::taken(signature);
    }

    bool verify(std::string_view agent, std::string_view data, std::string_view signature,
                std::string_view context = "") {
        bool valid = false;
        detail::check([&](dm_error *error) {
            return dm_passport_verify(get(), detail::text(agent), detail::text(data), detail::text(context),
                                      detail::text(signature), &valid, error);
        });
        return valid;
    }

    Events events() {
        dm_events *events = nullptr;
        detail::check([&](dm_error *error) { return dm_events_open(get(), &events, error); });
        return Events(events);
    }

    // Tells `handler` every event, as JSON, from a thread of the library.
    Subscription subscribe(std::function<void(std::string_view event)> handler) {
        using Handler = std::function<void(std::string_view)>;
        if (!handler) detail::check([&](dm_error *error) {
            return dm_subscribe(get(), nullptr, nullptr, nullptr, nullptr, error);
        });
        auto context = std::make_unique<Handler>(std::move(handler));
        dm_subscription *subscription = nullptr;
        detail::check([&](dm_error *error) {
            // From here on the library ends the context, whatever happens.
            return dm_subscribe(
                get(),
                [](void *own, dm_text event) noexcept { (*static_cast<Handler *>(own))(detail::view(event)); },
                context.release(), [](void *own) noexcept { delete static_cast<Handler *>(own); },
                &subscription, error);
        });
        return Subscription(subscription);
    }

    // Asks `policy` from now on; nothing lets the settings decide again.
    void set_policy(std::optional<Policy> policy) {
        if (!policy) {
            detail::check([&](dm_error *error) { return dm_node_set_policy(get(), nullptr, error); });
            return;
        }
        auto context = std::make_unique<Policy>(std::move(*policy));
        dm_policy table = {};
        if (context->admit_connection)
            table.admit_connection = [](void *own, dm_text question, dm_verdict *verdict) noexcept {
                static_cast<Policy *>(own)->admit_connection(detail::view(question), verdict);
            };
        if (context->admit_message)
            table.admit_message = [](void *own, dm_text question, dm_verdict *verdict) noexcept {
                static_cast<Policy *>(own)->admit_message(detail::view(question), verdict);
            };
        if (context->route)
            table.route = [](void *own, dm_text question, dm_verdict *verdict) noexcept {
                static_cast<Policy *>(own)->route(detail::view(question), verdict);
            };
        table.drop = [](void *own) noexcept { delete static_cast<Policy *>(own); };
        table.context = context.release();
        detail::check([&](dm_error *error) { return dm_node_set_policy(get(), &table, error); });
    }

    dm_node *get() const noexcept { return handle_.get(); }

  private:
    detail::Owned<dm_node, dm_node_free> handle_;
};

} // namespace dmagent

#endif // DMAGENT_HPP
