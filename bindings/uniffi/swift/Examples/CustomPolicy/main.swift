// An agent that decides for itself whom it talks to: `CustomPolicy`.
import Dmagent

/// Lets friends in, takes no advertisements, and does not disturb the agent with chatter.
///
/// A method that throws or takes too long means the safe answer: a connection waits for a decision, and a message stays with
/// its sender.
final class Doorkeeper: Policy {
    private let friends: Set<AgentId>

    init(friends: Set<AgentId>) {
        self.friends = friends
    }

    func admitConnection(question: ConnectionQuestion) async throws -> ConnectionVerdict {
        // The id is proven; the name is whatever the other side likes.
        friends.contains(question.agentId) ? .accept : .refuse(reason: "I only talk to friends")
    }

    func admitMessage(question: MessageQuestion) async throws -> MessageVerdict {
        question.content.lowercased().contains("buy now") ? .refuse(reason: "No advertisements") : .accept
    }

    func route(question: MessageQuestion) async throws -> RouteVerdict {
        question.metadata == #"{"type":"chatter"}"# ? .drop : .`default`
    }
}

func agent(_ name: String) -> Settings { Settings(displayName: name, http: true) }

try await withNode(settings: agent("alice"), preset: .ephemeral) { alice in
    try await withNode(settings: agent("mallory"), preset: .ephemeral) { mallory in
        try await withNode(settings: agent("bob"), preset: .ephemeral) { bob in
            try bob.setPolicy(policy: Doorkeeper(friends: [try alice.agentId()]))
            let url = try await bob.info().url
            do {
                _ = try await mallory.connect(url: url)
            } catch DmError.RefusedError(let failure) {
                print("mallory is refused: \(failure.name)")
            }
            let peer = try await alice.connect(url: url)
            print("alice is \(peer.state)")

            let advertisement = try await alice.send(to: peer.agentId, content: "Buy now!")
            print("the advertisement is \(advertisement.state)")
            _ = try await alice.send(to: peer.agentId, content: "Nice weather", metadata: #"{"type": "chatter"}"#)
            _ = try await alice.send(to: peer.agentId, content: "Your house is on fire")
            if let message = try await bob.receive() {
                try await message.handle { print("bob reads: \($0.content())") }
            }
        }
    }
}
