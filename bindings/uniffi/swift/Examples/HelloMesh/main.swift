// Two agents meet, and one greets the other: `HelloMesh`.
import Dmagent

let settings = Settings(http: true)
try await withNode(settings: settings, preset: .ephemeral) { alice in  // nothing on disk: for trying and testing
    try await withNode(settings: settings, preset: .ephemeral) { bob in
        let peer = try await alice.connect(url: try await bob.info().url)
        let receipt = try await alice.send(to: peer.agentId, content: "Hello, mesh!")
        print("alice's message is \(receipt.state)")

        if let message = try await bob.receive() {
            try await message.handle { print("bob reads: \($0.content())") }  // leaving the block acknowledges
        }
    }
}
