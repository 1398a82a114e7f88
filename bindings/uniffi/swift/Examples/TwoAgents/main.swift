// Two agents in one process ask and answer: `TwoAgents`.
import Dmagent

/// Answers questions until somebody says goodbye.
func answer(_ node: Node) async throws {
    for try await received in node.inbox().messages {
        let goOn = try await received.handle { message in
            if message.content() == "Goodbye" { return false }
            print("bob is asked: \(message.content())")
            _ = try await message.reply(content: "42")
            return true
        }
        if !goOn { return }
    }
}

func agent(_ name: String) -> Settings { Settings(displayName: name, http: true) }

try await withNode(settings: agent("alice"), preset: .ephemeral) { alice in
    try await withNode(settings: agent("bob"), preset: .ephemeral) { bob in
        async let answering: Void = answer(bob)
        let peer = try await alice.connect(url: try await bob.info().url)
        print("alice is \(peer.state)")

        if let reply = try await alice.ask(to: peer.agentId, content: "What is the answer?") {
            try await reply.handle { print("alice hears: \($0.content())") }
        }

        let trust = SetTrustArgs(agent: peer.agentId, score: 0.8, note: "answers questions")
        let trusted = try await alice.trust().set(arguments: trust)
        print("alice trusts bob: \(trusted.score)")
        _ = try await alice.send(to: peer.agentId, content: "Goodbye")
        try await answering
    }
}
