// The host of the scenarios for C; `core/tests/scenarios/README.md` has its protocol. It reads its commands as words
// (`core/tests/driver/words.rs`), because C has no reader of JSON, and uses the typed functions where there are some.

#define _GNU_SOURCE
#include <dmagent.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_MEMBERS 16
#define T(string) dm_text_of(string)

typedef struct member {
    dm_text name, value;
    bool is_text; // else the value is JSON
} member;

typedef struct command {
    char *line;
    const char *id, *kind;
    dm_text subject, arguments;
    member members[MOST_MEMBERS];
    size_t count;
} command;

typedef struct held {
    dm_message *message;
    struct held *next;
} held;

// One node at a time, the listener of its events, the messages nobody has handled yet, and how many commands run.
static dm_node *node;
static dm_subscription *subscription;
static held *messages;
static size_t running;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;

// Text that grows.
typedef struct buffer {
    char *data;
    size_t len;
} buffer;

static void put(buffer *to, const char *data, size_t len) {
    to->data = realloc(to->data, to->len + len + 1);
    if (!to->data) abort();
    memcpy(to->data + to->len, data, len);
    to->len += len;
    to->data[to->len] = 0;
}

static void put_json(buffer *to, dm_text text) {
    put(to, "\"", 1);
    for (size_t at = 0; at < text.len; at++) {
        unsigned char c = (unsigned char)text.data[at];
        char escaped[7] = {(char)c};
        if (c == '"' || c == '\\') snprintf(escaped, sizeof escaped, "\\%c", c);
        if (c < 0x20) snprintf(escaped, sizeof escaped, "\\u%04x", c);
        put(to, escaped, strlen(escaped));
    }
    put(to, "\"", 1);
}

static dm_text text_of(const buffer *from) {
    dm_text text = {from->data, from->len};
    return text;
}

// A line, whole even when several threads speak: %J is a text as JSON, %R a text as it is.
static void say(const char *form, ...) {
    buffer line = {NULL, 0};
    va_list values;
    va_start(values, form);
    for (; *form; form++) {
        if (form[0] != '%') put(&line, form, 1);
        else {
            dm_text text = va_arg(values, dm_text);
            if (*++form == 'J') put_json(&line, text);
            else put(&line, text.data, text.len);
        }
    }
    va_end(values);
    put(&line, "\n", 1);
    pthread_mutex_lock(&lock);
    fwrite(line.data, 1, line.len, stdout);
    fflush(stdout);
    pthread_mutex_unlock(&lock);
    free(line.data);
}

// Undoes the escapes of a word in place.
static dm_text unescaped(char *word) {
    char *to = word;
    for (char *from = word; *from; from++) {
        char digits[3] = {0};
        if (*from == '%') {
            memcpy(digits, from + 1, 2);
            from += 2;
            *to++ = (char)strtol(digits, NULL, 16);
        } else *to++ = *from;
    }
    dm_text text = {word, (size_t)(to - word)};
    return text;
}

static command *parsed(char *line) {
    command *found = calloc(1, sizeof *found);
    if (!found) abort();
    found->line = line;
    found->id = strsep(&line, "\t");
    found->kind = strsep(&line, "\t");
    found->subject = unescaped(strsep(&line, "\t"));
    found->arguments = unescaped(strsep(&line, "\t"));
    for (char *word; (word = strsep(&line, "\t")) && found->count < MOST_MEMBERS; found->count++) {
        member *next = &found->members[found->count];
        char *equals = strchr(word, '=');
        next->is_text = equals[-1] != ':';
        equals[next->is_text ? 0 : -1] = 0;
        next->value = unescaped(equals + 1);
        next->name = unescaped(word);
    }
    return found;
}

static bool is(dm_text text, const char *name) {
    return text.len == strlen(name) && memcmp(text.data, name, text.len) == 0;
}

static const member *find(const command *from, const char *name) {
    for (size_t at = 0; at < from->count; at++)
        if (is(from->members[at].name, name)) return &from->members[at];
    return NULL;
}

// The text of a member; no text when it is left out.
static dm_text get(const command *from, const char *name) {
    const member *found = find(from, name);
    return found ? found->value : dm_no_text();
}

// A number: copied, because the word behind it may go on.
static double number(const command *from, const char *name, double absent) {
    const member *found = find(from, name);
    char digits[64] = {0};
    if (!found || found->value.len >= sizeof digits) return absent;
    memcpy(digits, found->value.data, found->value.len);
    return strtod(digits, NULL);
}

// Every member but those named, which end with NULL, as a JSON object.
static buffer others(const command *from, const char *const *but) {
    buffer json = {NULL, 0};
    put(&json, "{", 1);
    for (size_t at = 0; at < from->count; at++) {
        const member *next = &from->members[at];
        const char *const *name = but;
        while (*name && !is(next->name, *name)) name++;
        if (*name) continue;
        if (json.len > 1) put(&json, ",", 1);
        put_json(&json, next->name);
        put(&json, ":", 1);
        if (next->is_text) put_json(&json, next->value);
        else put(&json, next->value.data, next->value.len);
    }
    put(&json, "}", 1);
    return json;
}

static void hold(dm_message *message) {
    held *added = malloc(sizeof *added);
    if (!added) abort();
    pthread_mutex_lock(&lock);
    added->message = message;
    added->next = messages;
    messages = added;
    pthread_mutex_unlock(&lock);
}

// Takes a held message out, by its place in the inbox.
static dm_message *take(uint64_t sequence) {
    dm_message *found = NULL;
    pthread_mutex_lock(&lock);
    for (held **at = &messages; *at && !found; at = found ? at : &(*at)->next) {
        if (dm_message_sequence((*at)->message) != sequence) continue;
        held *taken = *at;
        found = taken->message;
        *at = taken->next;
        free(taken);
        break;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

// The held message that is answered with this send, if it is one.
static dm_message *answered(const command *given) {
    dm_text id = get(given, "in_reply_to"), to = get(given, "to");
    dm_message *found = NULL;
    pthread_mutex_lock(&lock);
    for (held *at = messages; at && !found; at = at->next)
        if (id.data && is(id, dm_message_id(at->message).data) && is(to, dm_message_from(at->message).data))
            found = at->message;
    pthread_mutex_unlock(&lock);
    return found;
}

static void forget(void) {
    while (messages) {
        dm_message *message = take(dm_message_sequence(messages->message));
        dm_message_free(&message);
    }
    dm_subscription_free(&subscription);
    dm_node_free(&node);
}

static void on_event(void *id, dm_text event) { say("{\"id\":%R,\"event\":%R}", T(id), event); }

static dm_status opened(const command *given, dm_error *error) {
    dm_node *fresh = NULL;
    dm_agent_id agent;
    dm_string url = {NULL, 0};
    dm_status status = dm_node_open(dm_no_text(), given->arguments, &fresh, error);
    if (status != DM_OK) return status;
    forget();
    node = fresh;
    status = dm_node_agent_id(node, &agent, error);
    if (status == DM_OK) status = dm_node_url(node, &url, error);
    if (status == DM_OK)
        say("{\"id\":%R,\"ok\":{\"agent_id\":%J,\"url\":%J,\"token\":%J}}", T(given->id), T(agent.hex), T(url.data),
            dm_node_local_token(node));
    dm_string_free(&url);
    return status;
}

static dm_status listening(const command *given, dm_error *error) {
    char *id = strdup(given->id);
    dm_status status = dm_subscribe(node, on_event, id, free, &subscription, error);
    if (status == DM_OK) say("{\"id\":%R,\"ok\":null}", T(given->id));
    return status;
}

// A text that the library handed out, as the result.
static dm_status said(const command *given, dm_status status, dm_string *text) {
    if (status == DM_OK) {
        dm_text shown = {text->data, text->len};
        say("{\"id\":%R,\"ok\":%R}", T(given->id), shown);
    }
    dm_string_free(text);
    return status;
}

static dm_status by_name(const command *given, dm_error *error) {
    dm_string result = {NULL, 0};
    return said(given, dm_call(node, given->subject, given->arguments, &result, error), &result);
}

static dm_status handed_out(const command *given, dm_status status, dm_message *message) {
    // Before the answer, upon which it may be asked for.
    if (message) hold(message);
    if (status == DM_OK) say("{\"id\":%R,\"ok\":%R}", T(given->id), message ? dm_message_json(message) : T("null"));
    return status;
}

static int64_t timeout(const command *given) {
    double seconds = number(given, "timeout_secs", -1);
    return seconds < 0 ? -1 : (int64_t)(seconds * 1000);
}

static dm_status connected(const command *given, dm_error *error) {
    dm_agent_id peer;
    bool pending = false;
    dm_status status = dm_connect(node, get(given, "url"), get(given, "expect"), &peer, &pending, error);
    if (status == DM_OK)
        say("{\"id\":%R,\"ok\":{\"agent_id\":%J,\"state\":%J}}", T(given->id), T(peer.hex),
            T(pending ? "pending" : "connected"));
    return status;
}

static dm_status sent(const command *given, dm_error *error) {
    const char *const named[] = {"to", "content", NULL}, *const known[] = {"to", "content", "in_reply_to", NULL};
    dm_message *question = answered(given);
    buffer options = others(given, question ? known : named);
    dm_text content = get(given, "content");
    dm_delivery_state state;
    dm_string receipt = {NULL, 0};
    dm_status status = question ? dm_reply(question, content, text_of(&options), &state, &receipt, error)
                                : dm_send(node, get(given, "to"), content, text_of(&options), &state, &receipt, error);
    free(options.data);
    return said(given, status, &receipt);
}

static dm_status asked(const command *given, dm_error *error) {
    const char *const named[] = {"to", "content", "timeout_secs", NULL};
    buffer options = others(given, named);
    dm_message *answer = NULL;
    dm_status status = dm_ask(node, get(given, "to"), get(given, "content"), text_of(&options), timeout(given), &answer, error);
    free(options.data);
    return handed_out(given, status, answer);
}

static dm_status received(const command *given, dm_error *error) {
    const char *const named[] = {"timeout_secs", NULL};
    buffer filter = others(given, named);
    dm_message *message = NULL;
    dm_status status = dm_receive(node, text_of(&filter), timeout(given), &message, error);
    free(filter.data);
    return handed_out(given, status, message);
}

static dm_status settled(const command *given, dm_message *message, dm_error *error) {
    bool stored = true;
    dm_status status = is(given->subject, "messages.acknowledge")
                           ? dm_acknowledge(message, &stored, error)
                           : dm_release(message, (uint64_t)(number(given, "delay_secs", 0) * 1000), error);
    if (status == DM_OK) say("{\"id\":%R,\"ok\":%R}", T(given->id), T(stored ? "true" : "false"));
    dm_message_free(&message);
    return status;
}

static dm_status trusted(const command *given, dm_error *error) {
    dm_text agent = get(given, "agent");
    double score = 0;
    bool known = false;
    dm_status status = DM_OK;
    if (is(given->subject, "trust.set"))
        status = dm_trust_set(node, agent, number(given, "score", 0), get(given, "note"), error);
    if (status == DM_OK) status = dm_trust_get(node, agent, &score, &known, error);
    char told[32];
    snprintf(told, sizeof told, "%.17g", score);
    if (status == DM_OK && known)
        say("{\"id\":%R,\"ok\":{\"agent_id\":%J,\"score\":%R}}", T(given->id), agent, T(told));
    else if (status == DM_OK) say("{\"id\":%R,\"ok\":null}", T(given->id));
    return status;
}

static dm_status signed_by_us(const command *given, dm_error *error) {
    dm_agent_id agent;
    dm_string signature = {NULL, 0};
    dm_status status = dm_passport_sign(node, get(given, "data"), get(given, "context"), &signature, error);
    if (status == DM_OK) status = dm_node_agent_id(node, &agent, error);
    if (status == DM_OK)
        say("{\"id\":%R,\"ok\":{\"agent_id\":%J,\"signature\":%J}}", T(given->id), T(agent.hex), T(signature.data));
    dm_string_free(&signature);
    return status;
}

static dm_status verified(const command *given, dm_error *error) {
    bool valid = false;
    dm_status status = dm_passport_verify(node, get(given, "agent"), get(given, "data"), get(given, "context"),
                                          get(given, "signature"), &valid, error);
    if (status == DM_OK) say("{\"id\":%R,\"ok\":%R}", T(given->id), T(valid ? "true" : "false"));
    return status;
}

static dm_status parted(const command *given, dm_error *error) {
    dm_status status = dm_disconnect(node, get(given, "agent"), get(given, "reason"), error);
    if (status == DM_OK) say("{\"id\":%R,\"ok\":null}", T(given->id));
    return status;
}

static dm_status call(const command *given, dm_error *error) {
    dm_text verb = given->subject;
    bool settles = is(verb, "messages.acknowledge") || is(verb, "messages.release");
    dm_message *message = settles ? take((uint64_t)number(given, "sequence", 0)) : NULL;
    const member *to = find(given, "to");
    if (message) return settled(given, message, error);
    if (is(verb, "peers.connect")) return connected(given, error);
    if (is(verb, "peers.disconnect")) return parted(given, error);
    // Several recipients are for the call by name.
    if (is(verb, "messages.send") && to && to->is_text) return sent(given, error);
    if (is(verb, "messages.ask")) return asked(given, error);
    if (is(verb, "messages.next")) return received(given, error);
    if (is(verb, "trust.get") || is(verb, "trust.set")) return trusted(given, error);
    if (is(verb, "passport.sign")) return signed_by_us(given, error);
    if (is(verb, "passport.verify")) return verified(given, error);
    return by_name(given, error);
}

static dm_status closed(const command *given, dm_error *error) {
    dm_status status = dm_node_close(node, error);
    if (status == DM_OK) say("{\"id\":%R,\"ok\":null}", T(given->id));
    return status;
}

static void *obey(void *argument) {
    command *given = argument;
    dm_error error = {0};
    dm_text kind = T(given->kind);
    dm_status status = is(kind, "open")     ? opened(given, &error)
                       : is(kind, "events") ? listening(given, &error)
                       : is(kind, "call")   ? call(given, &error)
                       : is(kind, "close")  ? closed(given, &error)
                                            : by_name(given, &error);
    if (status != DM_OK) {
        char code[16];
        snprintf(code, sizeof code, "%d", (int)status);
        say("{\"id\":%R,\"error\":{\"code\":%J,\"number\":%R,\"retryable\":%R,\"message\":%J,\"context\":%R}}",
            T(given->id), T(error.name), T(code), T(error.retryable ? "true" : "false"), T(error.message.data),
            T(error.context.data));
        dm_error_clear(&error);
    }
    free(given->line);
    free(given);
    pthread_mutex_lock(&lock);
    running--;
    pthread_cond_signal(&done);
    pthread_mutex_unlock(&lock);
    return NULL;
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    for (ssize_t len; (len = getline(&line, &room, stdin)) > 0; line = NULL, room = 0) {
        pthread_t thread;
        line[len - 1] = 0;
        pthread_mutex_lock(&lock);
        running++;
        pthread_mutex_unlock(&lock);
        if (pthread_create(&thread, NULL, obey, parsed(line)) != 0) abort();
        pthread_detach(thread);
    }
    free(line);
    // The end of the input: whoever still waits hears that the node is closed.
    if (node) dm_node_close(node, NULL);
    pthread_mutex_lock(&lock);
    while (running > 0) pthread_cond_wait(&done, &lock);
    pthread_mutex_unlock(&lock);
    forget();
    return 0;
}
